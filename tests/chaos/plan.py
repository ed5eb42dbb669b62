"""Which faults come when: drawn from a seed, so that a run can be repeated."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

_BETWEEN = (1.0, 3.0)  # seconds
_RECOVERY = 4.0  # seconds that a fault is reckoned to take beyond its own time
_KILL_TOO = 0.25  # share of the faults in whose midst a worker is killed as well

_HOLD = (2.0, 30.0)  # seconds of the longest fault, where nobody says


@dataclass(frozen=True)
class Step:
    """One fault: how long it lasts, whom it hits, and what comes before and on top."""

    fault: str
    hold: float  # seconds
    victim: int  # index of a worker
    pause: float  # seconds before it
    kill_too: bool


def longest_for(seconds: float, count: int) -> float:
    """How long a fault may last, in seconds, so that `count` of them fit into a run.

    A short run has short faults, for each of them comes once at least.
    """
    mean = seconds / max(1, count) - sum(_BETWEEN) / 2 - _RECOVERY
    return min(max(1.5 * mean, _HOLD[0]), _HOLD[1])  # drawn from a third of it on


def draw(
    seed: int, seconds: float, faults: Sequence[str], workers: int, longest: float
) -> list[Step]:
    """Faults for so many seconds, each at most `longest`; all of them once, then again.

    The first round is whole, however short the time is.
    """
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    steps: list[Step] = []
    used = 0.0
    while not steps or used < seconds:
        for fault in chance.sample(faults, len(faults)):
            step = Step(
                fault,
                hold=round(chance.uniform(longest / 3, longest), 1),
                victim=chance.randrange(workers),
                pause=round(chance.uniform(*_BETWEEN), 1),
                kill_too=chance.random() < _KILL_TOO,
            )
            if len(steps) >= len(faults) and used >= seconds:
                break
            used += step.pause + step.hold + _RECOVERY
            steps.append(step)
    return steps
