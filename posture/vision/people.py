"""Whom of several people in a picture is measured, or whether anybody is."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

from posture.vision.landmark import HIPS, SHOULDERS, Landmark

People = Literal["any", "nearest", "alone"]
PEOPLE: tuple[People, ...] = get_args(People)

_BESIDE = 0.5  # of the largest trunk: a smaller person is far behind


class SeveralPeopleError(Exception):
    """More than one person is in sight, and who is meant is not known."""


def asked_for(people: People) -> int:
    """How many people the model is to look for."""
    return 1 if people == "any" else 2


def the_one(
    found: Sequence[list[Landmark]], people: People, size: tuple[int, int]
) -> list[Landmark]:
    """The landmarks of the person to be measured; none if nobody was found.

    `found` begins with the one whom the model is surest of, `size` is the picture's
    width and height in pixels. The nearest has the longest trunk in the picture.

    Raises:
        SeveralPeopleError: one is to be alone, and another is at least half as large.
    """
    if not found or people == "any":
        return found[0] if found else []
    largest, *others = sorted(
        found, key=lambda person: _trunk(person, size), reverse=True
    )
    if people == "alone" and any(
        _trunk(each, size) >= _BESIDE * _trunk(largest, size) for each in others
    ):
        raise SeveralPeopleError
    return largest


def _trunk(person: Sequence[Landmark], size: tuple[int, int]) -> float:
    """Pixels from between the shoulders to between the hips."""
    width, height = size
    ends = [
        (
            sum(person[i].x for i in line) / 2 * width,
            sum(person[i].y for i in line) / 2 * height,
        )
        for line in (SHOULDERS, HIPS)
    ]
    return math.dist(*ends)
