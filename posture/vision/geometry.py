"""Inclination of one body point over another, in the plane of the picture."""

import math
from typing import NamedTuple


class Point(NamedTuple):
    """A place in a picture, in pixels from its upper left corner."""

    x: float
    y: float


def inclination(lower: Point, upper: Point) -> float | None:
    """Degrees between the line from `lower` to `upper` and the vertical.

    0 is upright, 90 horizontal, 180 upside down; the direction of the lean does not
    count. None when the points coincide, for then there is no line.
    """
    right, up = upper.x - lower.x, lower.y - upper.y
    if right == 0 and up == 0:
        return None
    return math.degrees(math.atan2(abs(right), up))
