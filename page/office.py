"""The week of a whole room, in which nobody can be picked out. Pure rules.

An hour of a weekday is the mean of its places' shares of leaning, each place counting
alike. Four rules keep a place from being told from the others:

- An hour needs five places, each with ten judged minutes in it.
- Only days that are over are shown, in whole weeks: no two views differ by a moment.
- No choice of places, no names, no counts of places in an hour, and no order.
- A mean is shown as a step of 20 points. Where it would be in another step with any one
  place left out, it is shown as the span of all these steps.

So two views that differ by one place (which joined, fell silent or was deleted) are
consistent with any share of that place, from 0 to 100: see `tests/page/test_office.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from page.week import ENOUGH, named_spans

PLACES = 5
"""Places that an hour needs."""

STEP = 20
"""Points of percent in a step."""

_MOSTLY = 100  # low and high end of a span together, from which it is an occasion
_LAST = 100 // STEP - 1  # the last step


@dataclass(frozen=True)
class Hour:
    """What one place was seen doing in an hour of a weekday."""

    pi: str
    day: int
    """0 is Monday."""
    hour: int
    judged: int
    """Minutes in which a posture was judged."""
    leaning: int


@dataclass(frozen=True)
class Span:
    """A range of percent, from the beginning of a step to the end of one."""

    low: int
    high: int

    @property
    def tone(self) -> int:
        """Its middle in tenths, as the name of a style."""
        return (self.low + self.high) // 20


Room = Mapping[tuple[int, int], Span]
"""By weekday and hour of the clock; an hour that may not be shown is left out."""


def room(hours: Iterable[Hour]) -> Room:
    """The hours of a room that may be shown."""
    shares: dict[tuple[int, int], list[float]] = {}
    for each in hours:
        if each.judged >= ENOUGH:
            share = 100 * each.leaning / each.judged
            shares.setdefault((each.day, each.hour), []).append(share)
    return {when: span(there) for when, there in shares.items() if len(there) >= PLACES}


def span(shares: Sequence[float]) -> Span:
    """The mean of `PLACES` shares or more, so coarse that it tells of none of them."""
    steps = [_step(shares)]
    for left_out in range(len(shares)):
        steps.append(_step([*shares[:left_out], *shares[left_out + 1 :]]))
    return Span(min(steps) * STEP, (max(steps) + 1) * STEP)


def _step(shares: Sequence[float]) -> int:
    return min(int(sum(shares) / len(shares) / STEP), _LAST)


def places(hours: Iterable[Hour]) -> int:
    """How many places were judged for ten minutes of an hour, at any time."""
    return len({each.pi for each in hours if each.judged >= ENOUGH})


def occasions(shown: Room) -> list[str]:
    """When the room leaned most, such as `Wednesday 13 to 15`, by what is shown."""
    return named_spans(
        (day, hour, each.low + each.high)
        for (day, hour), each in sorted(shown.items())
        if each.low + each.high >= _MOSTLY
    )
