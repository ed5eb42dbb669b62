"""Which scenes come when: drawn from a seed, so that a run can be repeated."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_HOLD = (6.0, 12.0)  # seconds that what is broken stays so


class Step(NamedTuple):
    """A scene, and how long what it breaks stays broken, in seconds."""

    scene: str
    hold: float


def draw(seed: int, scenes: Sequence[str]) -> Iterator[Step]:
    """All scenes in an order of chance, then all again, without end."""
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    while True:
        for scene in chance.sample(scenes, len(scenes)):
            yield Step(scene, round(chance.uniform(*_HOLD), 1))
