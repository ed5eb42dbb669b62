"""When a camera has seen enough to be worth a nudge.

Time is counted in minutes, each Good or Bad by most of its pictures in which the angles
were measured. So it does not matter how often a camera sends, nor when a backlog is
worked off. A picture stands for the minutes until the next one, unless that takes so
long that the person was away; then everything begins anew. Unknown is never bad.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

Minutes = Mapping[int, bool]
"""Whether a minute was bad, by minutes since 1970; without those nobody was seen in."""


def minute_of(now: datetime) -> int:
    """The minute of an aware time, since 1970."""
    return int(now.timestamp() // 60)


@dataclass(frozen=True)
class Rule:
    """What is worth a nudge."""

    minutes: int
    """How long somebody must have sat there."""
    share: float
    """How much of it must have been bad, from 0 to 1."""
    away: int
    """Minutes in which nobody is seen after which the person was away."""
    period: timedelta
    """How long a camera is left alone after a nudge."""

    @property
    def horizon(self) -> timedelta:
        """How far back pictures matter."""
        return timedelta(minutes=self.minutes + self.away + 1)

    def bad_minutes(self, seen: Minutes, now: int) -> int:
        """How many of the last minutes were bad, if that is worth a nudge; else 0.

        Nobody who sits well at the moment is told to.
        """
        last = sitting(seen, now, self.away)[-self.minutes :]
        enough = len(last) == self.minutes and last[-1]
        bad = sum(last)
        return bad if enough and bad >= self.share * self.minutes else 0


def sitting(seen: Minutes, now: int, away: int) -> list[bool]:
    """Each minute since the person who is there sat down; none when nobody is."""
    verdicts: list[bool] = []
    before = None
    for minute in sorted(each for each in seen if each <= now):
        if before is None or minute - before > away:
            verdicts = []
        else:
            verdicts += [seen[before]] * (minute - before - 1)
        verdicts.append(seen[minute])
        before = minute
    return [] if before is None or now - before > away else verdicts


@dataclass(frozen=True)
class Nudge:
    """What is told, of a camera and of no person."""

    pi: str
    bad: int
    minutes: int
    time: datetime
    test: bool = False
    """Whether somebody only wants to know that nudges arrive."""

    @property
    def title(self) -> str:
        """What it begins with."""
        return "A test of the nudges" if self.test else "Time to sit up or stretch"

    @property
    def text(self) -> str:
        """The words; a hint, and no diagnosis."""
        if self.test:
            return f"{self.pi}: nudges for this place arrive here. This is a test."
        return (
            f"{self.pi}: leaning in {self.bad} of the last {self.minutes} minutes. "
            "Sit up, or get up for a moment."
        )
