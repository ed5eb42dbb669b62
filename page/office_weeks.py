"""What the table holds of a room's weeks, each worked out once."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from page.history import local
from page.minutes import quarters
from page.office import Hour, Room, places, room
from page.rows import Rows

_WEEK = timedelta(days=7)
_KEPT = 20  # weeks


@dataclass(frozen=True)
class RoomWeek:
    """A week of a room as far as its days are over."""

    room: Room
    places: int
    """That were judged for ten minutes of an hour, at any time of the week."""


class Office:
    """Weeks of the room; each is worked out once for all who look.

    What is over does not change, so a view differs from an earlier one only after a
    new start of the page, or by a day more.
    """

    def __init__(self, rows: Rows, zone: tzinfo | None) -> None:
        self._rows = rows
        self._zone = zone
        self._lock = threading.Lock()
        self._known: dict[tuple[date, date], RoomWeek] = {}

    def week(self, monday: date, today: date) -> RoomWeek:
        """The week from `monday`, of which the days before `today` are shown.

        Raises:
            DatabaseAwayError: the database did not answer.
        """
        end = max(monday, min(monday + _WEEK, today))
        with self._lock:  # whoever asks for the same at once waits for the first
            if (monday, end) not in self._known:
                self._known[monday, end] = self._look(monday, end)
            while len(self._known) > _KEPT:
                del self._known[next(iter(self._known))]
            return self._known[monday, end]

    def _look(self, monday: date, end: date) -> RoomWeek:
        hours = list(_hours(self._rows, monday, end, self._zone))
        return RoomWeek(room(hours), places(hours))


def _hours(rows: Rows, begin: date, end: date, zone: tzinfo | None) -> Iterator[Hour]:
    """Each place's hours by the clock there."""
    if begin == end:
        return
    sums: dict[tuple[str, int, int], list[int]] = {}
    for each in quarters(rows, _midnight(begin, zone), _midnight(end, zone)):
        when = datetime.fromtimestamp(each.number * 900, UTC).astimezone(zone)
        minutes = sums.setdefault((each.pi, when.weekday(), when.hour), [0, 0])
        minutes[0] += each.judged
        minutes[1] += each.leaning
    for (pi, day, hour), (judged, leaning) in sums.items():
        yield Hour(pi, day, hour, judged, leaning)


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    return local(datetime.combine(day, time()), zone)
