"""From which side a person is seen, by the model's landmarks in space.

The yaw is that of the line through both shoulders against the picture's plane: 90
degrees from the side, 0 from the front or back. The line through the hips may lower it:
where hips are hidden the model makes them up, mostly as seen from the side.
"""

import math
from collections.abc import Sequence
from enum import StrEnum

from posture.vision.landmark import HIPS, SHOULDERS, Landmark, World

_SIDE = 60.0  # degrees of yaw from which a lean reads right within a tenth


class View(StrEnum):
    """From where the camera sees the person."""

    SIDE = "side"
    OBLIQUE = "oblique"
    FRONT = "front"
    BACK = "back"


def yaw_of(landmarks: Sequence[Landmark]) -> float | None:
    """Degrees from 0 (front or back) to 90 (side); None without landmarks in space."""
    shoulders = _line_yaw(landmarks, SHOULDERS)
    hips = _line_yaw(landmarks, HIPS)
    if shoulders is None or hips is None:
        return None
    return min(shoulders, (shoulders + hips) / 2)


def view_of(landmarks: Sequence[Landmark], yaw: float, least: float) -> View:
    """The view at this yaw; below `least` degrees it is the front or the back."""
    if yaw >= max(_SIDE, least):
        return View.SIDE
    if yaw >= least:
        return View.OBLIQUE
    left, right = (landmarks[i].x for i in SHOULDERS)
    return View.FRONT if left > right else View.BACK  # a face's left is on our right


def sideways_lean(landmarks: Sequence[Landmark]) -> float | None:
    """Degrees that the trunk leans along the line of its shoulders, as if falling over.

    None without landmarks in space.
    """
    ends = _ends(landmarks, (*SHOULDERS, *HIPS))
    if ends is None:
        return None
    left, right, *hips = ends
    across = World(left.x - right.x, 0, left.z - right.z)
    trunk = World(
        *((a + b - c - d) / 2 for a, b, c, d in zip(left, right, *hips, strict=True))
    )
    length = math.hypot(*trunk) * math.hypot(*across)
    if length == 0:
        return None
    along = abs(trunk.x * across.x + trunk.z * across.z) / length
    return math.degrees(math.asin(min(1.0, along)))


def _line_yaw(landmarks: Sequence[Landmark], line: tuple[int, int]) -> float | None:
    ends = _ends(landmarks, line)
    if ends is None or ends[0] == ends[1]:
        return None
    one, other = ends
    return math.degrees(math.atan2(abs(one.z - other.z), abs(one.x - other.x)))


def _ends(
    landmarks: Sequence[Landmark], numbers: tuple[int, ...]
) -> list[World] | None:
    """These landmarks in space, all or none."""
    found = [world for i in numbers if (world := landmarks[i].world) is not None]
    finite = all(math.isfinite(value) for world in found for value in world)
    return found if finite and len(found) == len(numbers) else None
