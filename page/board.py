"""What the tiles show: the newest row of each camera, and how much is coming in."""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from page.rhythm import UNKNOWN, Rhythm
from page.rows import StoredRow
from posture.vision import advice
from posture.vision.verdict import Status

_KINDS: dict[str, tuple[str, str]] = {
    Status.GOOD: ("good", "Upright"),
    Status.BAD: ("bad", "Leaning"),
    Status.PARTIAL: ("partial", "Cannot tell"),
    Status.NONE: ("none", "No person found"),
}
_MINUTE = 60.0


@dataclass(frozen=True)
class Tile:
    """One camera as the page shows it."""

    row: StoredRow
    patience: timedelta = UNKNOWN
    """How old its picture may be before the camera is silent."""

    @property
    def kind(self) -> str:
        """The status as one word of our own, safe as the name of a style."""
        return kind_of(self.row.posture_status)

    @property
    def words(self) -> str:
        """The status as it is shown; one that is not ours is shown as it is."""
        return words_of(self.row.posture_status)

    def age(self, now: datetime) -> timedelta | None:
        """Since the picture came."""
        return now - self.row.received_time if self.row.received_time else None

    @property
    def why(self) -> str:
        """Why nobody was judged, in a few words; empty where somebody was."""
        return advice.short(self.row.reason)

    @property
    def seen_from(self) -> str:
        """The view and its yaw, as far as they are known."""
        degrees = "" if self.row.yaw is None else f"{self.row.yaw}°"
        return f"{self.row.view or ''} {degrees}".strip()

    @property
    def remedy(self) -> str:
        """What to do so that such a picture is judged."""
        reason = self.row.reason
        return advice.remedy(self.row.pi_id, reason, self.row.yaw) if reason else ""

    @property
    def milliseconds(self) -> int | None:
        """From received to analyzed."""
        row = self.row
        if row.received_time is None or row.analyzed_time is None:
            return None
        return round((row.analyzed_time - row.received_time).total_seconds() * 1000)


def kind_of(status: str) -> str:
    """good, bad, partial, none or other."""
    return _KINDS.get(status, ("other", ""))[0]


def words_of(status: str) -> str:
    """A status in plain words."""
    return _KINDS.get(status, ("", status or "No status"))[1]


class Board:
    """The newest row of each camera, kept up to date row by row."""

    def __init__(self) -> None:
        self._newest: dict[str, StoredRow] = {}
        self._rhythms: dict[str, Rhythm] = {}
        self._arrivals: deque[float] = deque()
        self.last = 0
        """The largest id seen."""

    def begin(
        self, rows: Iterable[StoredRow], last: int, pauses: Mapping[str, float]
    ) -> None:
        """Begin with what is in the table; `pauses` are seconds between pictures."""
        self._newest = {row.pi_id: row for row in rows}
        self._rhythms = {pi: Rhythm(pause) for pi, pause in pauses.items()}
        self.last = last

    def recall(self, rows: Iterable[StoredRow]) -> None:
        """Take in cameras of which nothing has been heard for long."""
        for row in rows:
            self._newest.setdefault(row.pi_id, row)

    def add(self, rows: Iterable[StoredRow], now: float) -> set[str]:
        """Take in new rows, oldest first; gives the cameras that changed."""
        changed = set()
        for row in rows:
            self._listen(row)
            self._newest[row.pi_id] = row
            self.last = max(self.last, row.id)
            self._arrivals.append(now)
            changed.add(row.pi_id)
        return changed

    def _listen(self, row: StoredRow) -> None:
        before = self._newest.get(row.pi_id)
        if before and before.received_time and row.received_time:
            pause = (row.received_time - before.received_time).total_seconds()
            self._rhythms.setdefault(row.pi_id, Rhythm()).add(pause)

    def tiles(self, pis: Iterable[str] | None = None) -> list[Tile]:
        """The cameras by name, the silent ones too."""
        names = self._newest if pis is None else pis
        return [Tile(self._newest[pi], self._patience(pi)) for pi in sorted(names)]

    def heard(self, now: datetime) -> list[Tile]:
        """The cameras that send, by name."""
        return [tile for tile in self.tiles() if not self._silent(tile, now)]

    def silent(self, now: datetime) -> list[Tile]:
        """The cameras that have sent nothing for long, those that fell silent last."""
        tiles = [tile for tile in self.tiles() if self._silent(tile, now)]
        return sorted(tiles, key=lambda tile: tile.age(now) or timedelta.max)

    def _silent(self, tile: Tile, now: datetime) -> bool:
        age = tile.age(now)
        return age is None or age > tile.patience

    def _patience(self, pi: str) -> timedelta:
        rhythm = self._rhythms.get(pi)
        return rhythm.patience if rhythm else UNKNOWN

    def knows(self, pi: str) -> bool:
        """Whether there is a row of this camera."""
        return pi in self._newest

    def find(self, number: int) -> StoredRow | None:
        """The row of this id, if it is a camera's newest."""
        return next((r for r in self._newest.values() if r.id == number), None)

    def last_minute(self, now: float | None = None) -> int:
        """Rows that came in the last minute."""
        now = time.monotonic() if now is None else now
        while self._arrivals and self._arrivals[0] < now - _MINUTE:
            self._arrivals.popleft()
        return len(self._arrivals)

    def share_upright(self, now: datetime) -> tuple[int, int]:
        """How many cameras see somebody upright, of those that see and can tell."""
        kinds = [tile.kind for tile in self.heard(now)]
        return kinds.count("good"), kinds.count("good") + kinds.count("bad")
