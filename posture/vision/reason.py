"""Why a person in a picture is not judged: one word, and the rule behind it."""

import math
from collections.abc import Sequence
from enum import StrEnum

from posture.vision.geometry import Point, inclination
from posture.vision.landmark import KNEES, POINTS, Landmark, Side
from posture.vision.limits import Limits
from posture.vision.view import sideways_lean

VISIBLE = 0.5  # MediaPipe's own threshold; 0.3 to 0.8 change nothing


class Reason(StrEnum):
    """Why there are no angles."""

    NOBODY = "nobody"
    TURNED = "turned"
    NOT_FROM_THE_SIDE = "not_from_the_side"
    VIEW_UNKNOWN = "view_unknown"
    EAR = "ear_not_in_sight"
    SHOULDER = "shoulder_not_in_sight"
    HIP = "hip_not_in_sight"
    TOO_SMALL = "too_small"
    SEVERAL = "several_people"
    """Only with PEOPLE=alone."""
    FEW_LANDMARKS = "too_few_landmarks"
    """Only with the preset `legacy`."""


def in_sight(each: Landmark) -> bool:
    """Whether a point is in the picture, and not hidden as far as the model knows."""
    inside = 0 <= each.x <= 1 and 0 <= each.y <= 1
    return inside and each.visibility >= VISIBLE


def hidden_hip(
    landmarks: Sequence[Landmark], side: Side, size: tuple[int, int], limits: Limits
) -> bool:
    """Whether the hip is not in sight, or where no camera can have seen it.

    The model gives hidden hips a visibility of 0.74 to 1.00, so the body is looked at:
    nobody who sits has knees far above the hips, leans over to the left or right as far
    as the model then says, or has an upright trunk that is hardly longer than the neck.
    """
    if not in_sight(landmarks[POINTS[side][2]]):
        return True
    if uncertain_hip(landmarks, side, limits):
        return True
    thigh = _angle(landmarks, POINTS[side][2], KNEES[side], size)
    lean = sideways_lean(landmarks)
    return (
        (thigh is not None and thigh < limits.thigh)
        or (lean is not None and lean > limits.lean)
        or _short_trunk(landmarks, side, size, limits)
    )


def uncertain_hip(landmarks: Sequence[Landmark], side: Side, limits: Limits) -> bool:
    """Whether the model is not certain of the hip."""
    hip = landmarks[POINTS[side][2]]
    return min(hip.visibility, hip.presence) < limits.hip_certainty


def _short_trunk(
    landmarks: Sequence[Landmark], side: Side, size: tuple[int, int], limits: Limits
) -> bool:
    ear, shoulder, hip = (pixel(landmarks[i], size) for i in POINTS[side])
    body = inclination(hip, shoulder)
    upright = body is not None and body < _UPRIGHT
    return upright and _length(shoulder, ear) > limits.head * _length(hip, shoulder)


_UPRIGHT = 20  # degrees; a bent back looks short


def too_small(
    landmarks: Sequence[Landmark], side: Side, size: tuple[int, int], limits: Limits
) -> bool:
    """Whether a pixel more or less would change the angles by degrees."""
    _, shoulder, hip = (pixel(landmarks[i], size) for i in POINTS[side])
    return _length(shoulder, hip) < limits.trunk


def pixel(each: Landmark, size: tuple[int, int]) -> Point:
    """A landmark's place in a picture of this width and height."""
    return Point(each.x * size[0], each.y * size[1])


def _angle(
    landmarks: Sequence[Landmark], lower: int, upper: int, size: tuple[int, int]
) -> float | None:
    return inclination(pixel(landmarks[lower], size), pixel(landmarks[upper], size))


def _length(one: Point, other: Point) -> float:
    return math.dist(one, other)
