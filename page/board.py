"""What the tiles show: the newest row of each camera, and how much is coming in."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from page.rows import StoredRow
from posture.vision import advice
from posture.vision.verdict import Status

_KINDS: dict[str, tuple[str, str]] = {
    Status.GOOD: ("good", "Good"),
    Status.BAD: ("bad", "Bad"),
    Status.PARTIAL: ("partial", "Partly in sight"),
    Status.NONE: ("none", "Nobody in sight"),
}
_MINUTE = 60.0


@dataclass(frozen=True)
class Tile:
    """One camera as the page shows it."""

    row: StoredRow

    @property
    def kind(self) -> str:
        """The status as one word of our own, safe as the name of a style."""
        return kind_of(self.row.posture_status)

    @property
    def words(self) -> str:
        """The status as it is shown; one that is not ours is shown as it is."""
        return words_of(self.row.posture_status)

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
        self._arrivals: deque[float] = deque()
        self.last = 0
        """The largest id seen."""

    def begin(self, rows: Iterable[StoredRow], last: int) -> None:
        """Begin with what is in the table."""
        self._newest = {row.pi_id: row for row in rows}
        self.last = last

    def add(self, rows: Iterable[StoredRow], now: float) -> set[str]:
        """Take in new rows, oldest first; gives the cameras that changed."""
        changed = set()
        for row in rows:
            self._newest[row.pi_id] = row
            self.last = max(self.last, row.id)
            self._arrivals.append(now)
            changed.add(row.pi_id)
        return changed

    def tiles(self, pis: Iterable[str] | None = None) -> list[Tile]:
        """The cameras by name."""
        names = self._newest if pis is None else pis
        return [Tile(self._newest[pi]) for pi in sorted(names)]

    def knows(self, pi: str) -> bool:
        """Whether there is a row of this camera."""
        return pi in self._newest

    def find(self, number: int) -> StoredRow | None:
        """The row of this id, if it is a camera's newest."""
        return next((r for r in self._newest.values() if r.id == number), None)

    def per_second(self, now: float | None = None) -> float:
        """Rows a second over the last minute."""
        now = time.monotonic() if now is None else now
        while self._arrivals and self._arrivals[0] < now - _MINUTE:
            self._arrivals.popleft()
        return len(self._arrivals) / _MINUTE

    def share_good(self) -> tuple[int, int]:
        """How many cameras see a good posture, of those that see one at all."""
        kinds = [kind_of(row.posture_status) for row in self._newest.values()]
        return kinds.count("good"), kinds.count("good") + kinds.count("bad")
