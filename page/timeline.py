"""A camera's day as a picture: what was seen, and the angles as curves."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from page.board import kind_of

BIN = 300  # seconds; 288 of them are a day
WIDTH = 4  # of a bin in the drawing
HIGHEST = 90  # degrees at the top of the curves
_ORDER = ("good", "bad", "partial", "none", "other")


@dataclass
class Bin:
    """Five minutes of one camera."""

    number: int
    """0 is the first of the day."""
    kinds: Counter[str] = field(default_factory=Counter)
    _neck: float = 0.0
    _body: float = 0.0
    _measured: int = 0

    def add(
        self, status: str, count: int, neck: float, body: float, measured: int
    ) -> None:
        """Take in `count` rows of a status, with the sums of their angles."""
        self.kinds[kind_of(status)] += count
        self._neck += neck
        self._body += body
        self._measured += measured

    @property
    def neck(self) -> float | None:
        """Mean angle of the neck in degrees."""
        return self._neck / self._measured if self._measured else None

    @property
    def body(self) -> float | None:
        """Mean angle of the body in degrees."""
        return self._body / self._measured if self._measured else None

    @property
    def measured(self) -> int:
        """Pictures with angles."""
        return self._measured


@dataclass(frozen=True)
class Box:
    """A rectangle of the drawing, 100 high in all."""

    kind: str
    x: float
    y: float
    height: float


def boxes(bins: Iterable[Bin]) -> list[Box]:
    """Each bin as a column, shared out among what was seen."""
    drawn = []
    for each in bins:
        y, total = 0.0, each.kinds.total()
        for kind in _ORDER:
            height = 100 * each.kinds[kind] / total
            if height:
                x = each.number * WIDTH
                drawn.append(Box(kind, x, round(y, 2), round(height, 2)))
            y += height
    return drawn


def curve(bins: Sequence[Bin], part: str) -> str:
    """The path of the neck's or the body's angle; it has gaps where there is none."""
    path, last = [], None
    for each in bins:
        angle = getattr(each, part)
        if angle is None:
            continue
        x, y = each.number * WIDTH, round(100 - 100 * min(angle, HIGHEST) / HIGHEST, 1)
        path.append(f"V{y}" if last == each.number - 1 else f"M{x} {y}")
        path.append(f"H{x + WIDTH}")
        last = each.number
    return "".join(path)


@dataclass(frozen=True)
class Hour:
    """A line of the table that says the same in words."""

    begin: datetime
    end: datetime
    pictures: int
    judged: int
    """Those with a verdict."""
    good: int | None
    """Percent of these."""
    neck: int | None
    body: int | None


def hours(bins: Iterable[Bin], begin: datetime) -> list[Hour]:
    """The hours in which there were pictures, of the day that begins at `begin`."""
    by_hour: dict[int, list[Bin]] = {}
    for each in bins:
        by_hour.setdefault(each.number * BIN // 3600, []).append(each)
    return [
        _hour(begin + timedelta(hours=number), each)
        for number, each in sorted(by_hour.items())
    ]


def _hour(begin: datetime, bins: Sequence[Bin]) -> Hour:
    kinds: Counter[str] = sum((each.kinds for each in bins), Counter())
    return Hour(
        begin,
        begin + timedelta(hours=1),
        kinds.total(),
        kinds["good"] + kinds["bad"],
        share_good(kinds),
        _mean(bins, "neck"),
        _mean(bins, "body"),
    )


@dataclass(frozen=True)
class Spot:
    """Where a drawing leads to the pictures of its five minutes."""

    x: int
    begin: datetime
    end: datetime


def spots(bins: Iterable[Bin], begin: datetime) -> list[Spot]:
    """The bins of the day that begins at `begin`, as places to choose."""
    length = timedelta(seconds=BIN)
    return [
        Spot(each.number * WIDTH, at, at + length)
        for each in bins
        for at in [begin + each.number * length]
    ]


def share_good(kinds: Counter[str]) -> int | None:
    """Percent of good among good and bad."""
    judged = kinds["good"] + kinds["bad"]
    return round(100 * kinds["good"] / judged) if judged else None


def _mean(bins: Sequence[Bin], part: str) -> int | None:
    measured = sum(each.measured for each in bins)
    total = sum((getattr(each, part) or 0.0) * each.measured for each in bins)
    return round(total / measured) if measured else None
