"""The week of a place: when somebody leaned there, hour by hour. Pure rules.

Time is counted in judged minutes, each leaning or upright by most of its pictures, so
that it does not matter how often a camera sends. An hour of which less than ten minutes
were judged says nothing. A place is compared with itself, never with another.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from page.dates import long_weekday, weekday
from page.words import gettext as _

ENOUGH = 10
"""Judged minutes that an hour must have before its share is shown."""

COMPARABLE = 60
"""Judged minutes that a week must have before another is compared with it."""

_MOSTLY = 50  # percent of an hour spent leaning that makes it an occasion
_OCCASIONS = 3  # that are named
_CLEARLY = 5  # points by which weeks differ before one is called better
_AWAY = timedelta(minutes=5)  # without a judged minute: nobody sat there
_HOURS = (8, 17)  # shown at least


@dataclass(frozen=True)
class Minute:
    """One judged minute of a place, at its local time, aware."""

    time: datetime
    leaning: bool


@dataclass(frozen=True)
class Seen:
    """What a camera saw of somebody: judged minutes, and pictures."""

    minutes: Sequence[Minute]
    judged: int
    """Pictures with a verdict."""
    unclear: int
    """Pictures in which somebody was, but could not be judged."""

    @property
    def believable(self) -> int | None:
        """Percent of the pictures with somebody in them that could be judged."""
        return percent(self.judged, self.judged + self.unclear)


@dataclass
class Cell:
    """One hour of one weekday."""

    judged: int = 0
    leaning: int = 0

    @property
    def share(self) -> int | None:
        """Percent of the judged minutes spent leaning; None if too few were judged."""
        return percent(self.leaning, self.judged) if self.judged >= ENOUGH else None


@dataclass(frozen=True)
class Week:
    """The hours of one week, by weekday (0 is Monday) and hour of the clock."""

    cells: Mapping[tuple[int, int], Cell]
    judged: int
    leaning: int
    changes: int
    """From leaning to upright or back, without an absence in between."""
    longest: tuple[timedelta, bool]
    """The longest time in one posture, and whether that was leaning."""

    @property
    def share(self) -> int | None:
        """Percent of the judged minutes spent leaning."""
        return percent(self.leaning, self.judged)

    def cell(self, day: int, hour: int) -> Cell:
        """The cell of an hour, empty if nothing was judged."""
        return self.cells.get((day, hour), Cell())


def percent(part: int, whole: int) -> int | None:
    """A share in percent, None of nothing."""
    return round(100 * part / whole) if whole else None


def monday_of(day: date) -> date:
    """The first day of the week that a day is in."""
    return day - timedelta(days=day.weekday())


def week_of(minutes: Sequence[Minute]) -> Week:
    """The week that these minutes, in their order, make."""
    cells: dict[tuple[int, int], Cell] = {}
    for each in minutes:
        cell = cells.setdefault((each.time.weekday(), each.time.hour), Cell())
        cell.judged += 1
        cell.leaning += each.leaning
    runs = list(_runs(minutes))
    changes = sum(
        after[0].time - before[-1].time <= _AWAY for before, after in pairwise(runs)
    )
    longest = max(map(_length, runs), default=(timedelta(), False))
    leaning = sum(each.leaning for each in minutes)
    return Week(cells, len(minutes), leaning, changes, longest)


def _runs(minutes: Iterable[Minute]) -> Iterator[list[Minute]]:
    """Minutes in one posture, cut where nobody sat."""
    run: list[Minute] = []
    for each in minutes:
        ended = run and (
            each.leaning != run[-1].leaning or each.time - run[-1].time > _AWAY
        )
        if ended:
            yield run
            run = []
        run.append(each)
    if run:
        yield run


def _length(run: Sequence[Minute]) -> tuple[timedelta, bool]:
    return run[-1].time - run[0].time + timedelta(minutes=1), run[0].leaning


def hours_shown(*weeks: Iterable[tuple[int, int]]) -> range:
    """The hours of the clock for tables of these weekdays and hours."""
    hours = [hour for week in weeks for _day, hour in week]
    return range(min([*hours, _HOURS[0]]), max([*hours, _HOURS[1]]) + 1)


def days_shown(*weeks: Iterable[tuple[int, int]]) -> list[tuple[int, str]]:
    """Working days, and those of a weekend on which somebody was seen."""
    seen = {day for week in weeks for day, _hour in week}
    return [(n, weekday(n)) for n in range(7) if n < 5 or n in seen]


def verdict(week: Week, before: Week) -> str:
    """This week beside the same days of the last, in a sentence."""
    if week.judged < ENOUGH or week.share is None:
        return _("Too little was seen in this week to say anything.")
    if before.judged < COMPARABLE or before.share is None:
        return _("Too little was seen in the same days of the week before to compare.")
    difference = week.share - before.share
    if abs(difference) < _CLEARLY:
        return _("About as much leaning as in the same days of the week before.")
    if difference > 0:
        return _("More leaning than in the same days of the week before.")
    return _("Less leaning than in the same days of the week before.")


def occasions(week: Week) -> list[str]:
    """When most of the leaning was, such as `Wednesday 13 to 15`; the longest first."""
    return named_spans(
        (day, hour, cell.leaning)
        for (day, hour), cell in sorted(week.cells.items())
        if cell.share is not None and cell.share >= _MOSTLY
    )


def named_spans(hours: Iterable[tuple[int, int, int]]) -> list[str]:
    """Hours that follow each other as one, those of the most weight first.

    Args:
        hours: weekday, hour of the clock and weight of each, in their order.
    """
    spans: list[tuple[int, int, int, int]] = []
    for day, hour, weight in hours:
        if spans and spans[-1][0] == day and spans[-1][2] == hour:
            _day, first, _last, before = spans.pop()
            spans.append((day, first, hour + 1, before + weight))
        else:
            spans.append((day, hour, hour + 1, weight))
    spans.sort(key=lambda span: (-span[3], span[0], span[1]))
    return [
        _("%(day)s %(first)s to %(last)s")
        % {"day": long_weekday(day), "first": first, "last": last}
        for day, first, last, _weight in spans[:_OCCASIONS]
    ]


def duration(time: timedelta) -> str:
    """A length of time in words: 45 min, 1 h 20 min."""
    hours, minutes = divmod(round(time.total_seconds() / 60), 60)
    form = _("%(hours)s h %(minutes)s min") if hours else _("%(minutes)s min")
    return form % {"hours": hours, "minutes": minutes}
