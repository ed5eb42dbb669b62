"""What the tiles show: the newest row of each camera, and how much is coming in."""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from common.messages import marked
from page.rhythm import UNKNOWN, Rhythm
from page.rows import StoredRow
from page.words import gettext as _
from posture.vision import advice
from posture.vision.verdict import Status
from posture.vision.view import View

_KINDS: dict[str, tuple[str, str]] = {
    Status.GOOD: ("good", marked("Upright")),
    Status.BAD: ("bad", marked("Leaning")),
    Status.PARTIAL: ("partial", marked("Cannot tell")),
    Status.NONE: ("none", marked("No person found")),
}
_VIEWS: dict[str, str] = {
    View.SIDE: marked("side"),
    View.OBLIQUE: marked("oblique"),
    View.FRONT: marked("front"),
    View.BACK: marked("back"),
}
_MINUTE = 60.0
SHOWN = 200
"""Cameras on one page."""

SILENT = 500
"""Silent cameras that are named."""


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
        return advice.short(self.row.reason, _)

    @property
    def seen_from(self) -> str:
        """The view and its yaw, as far as they are known."""
        degrees = "" if self.row.yaw is None else f"{self.row.yaw}°"
        return f"{_view(self.row.view)} {degrees}".strip()

    @property
    def remedy(self) -> str:
        """What to do so that such a picture is judged."""
        row = self.row
        if not row.reason:
            return ""
        return advice.remedy(row.pi_id, row.reason, row.yaw, translate=_)

    @property
    def milliseconds(self) -> int | None:
        """From received to analyzed."""
        row = self.row
        if row.received_time is None or row.analyzed_time is None:
            return None
        return round((row.analyzed_time - row.received_time).total_seconds() * 1000)


def _view(view: str | None) -> str:
    return _(_VIEWS[view]) if view in _VIEWS else view or ""


def kind_of(status: str) -> str:
    """good, bad, partial, none or other."""
    return _KINDS.get(status, ("other", ""))[0]


def words_of(status: str) -> str:
    """A status in plain words."""
    if status in _KINDS:
        return _(_KINDS[status][1])
    return status or _("No status")


class Board:
    """The newest row of each camera, kept up to date row by row."""

    def __init__(self) -> None:
        self._newest: dict[str, StoredRow] = {}
        self._rhythms: dict[str, Rhythm] = {}
        self._arrivals: deque[float] = deque()
        self._sorted: tuple[list[Tile], list[Tile]] = ([], [])
        self._sorted_at: object = None
        self._changes = 0
        self.names: list[str] = []
        """The cameras, in order."""
        self.last = 0
        """The largest id seen."""
        self.came: float | None = None
        """When a new row came last, in monotonic seconds."""

    def begin(
        self, rows: Iterable[StoredRow], last: int, pauses: Mapping[str, float]
    ) -> None:
        """Begin with what is in the table; `pauses` are seconds between pictures."""
        self._newest = {row.pi_id: row for row in rows}
        self._rhythms = {pi: Rhythm(pause) for pi, pause in pauses.items()}
        self.last = last
        self.names = []
        self._note_changes()

    def recall(self, rows: Iterable[StoredRow]) -> set[str]:
        """Take in cameras of which nothing has been heard for long; gives the new."""
        unknown = {row.pi_id: row for row in rows if row.pi_id not in self._newest}
        self._newest |= unknown
        self._note_changes()
        return set(unknown)

    def add(self, rows: Iterable[StoredRow], now: float) -> set[str]:
        """Take in new rows, oldest first; gives the cameras that changed."""
        changed = set()
        for row in rows:
            self._listen(row)
            self._newest[row.pi_id] = row
            self.last = max(self.last, row.id)
            self._arrivals.append(now)
            changed.add(row.pi_id)
            self.came = now
        self._note_changes()
        return changed

    def _note_changes(self) -> None:
        self._changes += 1
        if len(self._newest) != len(self.names):
            self.names = sorted(self._newest)

    def _listen(self, row: StoredRow) -> None:
        before = self._newest.get(row.pi_id)
        if before and before.received_time and row.received_time:
            pause = (row.received_time - before.received_time).total_seconds()
            self._rhythms.setdefault(row.pi_id, Rhythm()).add(pause)

    def tiles(self, pis: Iterable[str] | None = None) -> list[Tile]:
        """These cameras by name, as far as they are known; all if none are named."""
        names = self.names if pis is None else sorted(pis)
        return [self._tile(pi) for pi in names if pi in self._newest]

    def _tile(self, pi: str) -> Tile:
        return Tile(self._newest[pi], self._patience(pi))

    def heard(self, now: datetime) -> list[Tile]:
        """The cameras that send, by name."""
        return self._sort(now)[0]

    def silent(self, now: datetime) -> list[Tile]:
        """The cameras that have sent nothing for long, those that fell silent last."""
        return self._sort(now)[1]

    def _sort(self, now: datetime) -> tuple[list[Tile], list[Tile]]:
        """Those that are heard and those that are silent, told apart once a second."""
        moment = (now.replace(microsecond=0), self._changes)
        if moment != self._sorted_at:
            heard: list[Tile] = []
            silent: list[Tile] = []
            for tile in self.tiles():
                (silent if self._silent(tile, now) else heard).append(tile)
            silent.sort(key=lambda tile: tile.age(now) or timedelta.max)
            self._sorted, self._sorted_at = (heard, silent), moment
        return self._sorted

    def part(self, first: str, now: datetime) -> list[Tile]:
        """One page of the cameras that send: those from this name on.

        By name, not by number, so that a new camera moves no other page.
        """
        heard = self.heard(now)
        begin = bisect_left(heard, first, key=lambda tile: tile.row.pi_id)
        return heard[begin : begin + SHOWN]

    def parts(self, now: datetime) -> list[str]:
        """Where the pages begin; the first does with the empty word."""
        return ["", *(tile.row.pi_id for tile in self.heard(now)[SHOWN::SHOWN])]

    def _silent(self, tile: Tile, now: datetime) -> bool:
        age = tile.age(now)
        return age is None or age > tile.patience

    def _patience(self, pi: str) -> timedelta:
        rhythm = self._rhythms.get(pi)
        return rhythm.patience if rhythm else UNKNOWN

    def newest(self) -> StoredRow | None:
        """The row of the largest id."""
        return max(self._newest.values(), key=lambda row: row.id, default=None)

    def all_late(self, now: datetime, heard: Mapping[str, datetime]) -> bool:
        """Whether each camera is later than usual, those `heard` at a time too."""
        rows = {pi: row.received_time for pi, row in self._newest.items()}
        times = {**rows, **heard}
        return not any(
            when and now - when <= self._late_after(pi) for pi, when in times.items()
        )

    def _late_after(self, pi: str) -> timedelta:
        rhythm = self._rhythms.get(pi)
        return rhythm.late if rhythm else UNKNOWN

    def knows(self, pi: str) -> bool:
        """Whether there is a row of this camera."""
        return pi in self._newest

    def name_of(self, typed: str) -> str:
        """The camera that somebody means who typed this, whatever its case and blanks.

        What was typed, if that is a camera or nothing is alike, or several are.
        """
        if typed in self._newest:
            return typed
        meant = typed.strip().casefold()
        alike = [name for name in self.names if name.strip().casefold() == meant]
        return alike[0] if len(alike) == 1 else typed

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
