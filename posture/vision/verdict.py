"""From 33 landmarks to a posture status, or the reason why there is none.

The angles are inclinations from the vertical as a camera beside the person sees them:
the neck's (ear over shoulder) and the body's (shoulder over hip). They are no medical
measure, and no score of any published ergonomic method.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal, get_args

from posture.vision.baseline import Baseline
from posture.vision.geometry import Point, inclination
from posture.vision.landmark import POINTS, Landmark, Side, nearest_side, other
from posture.vision.limits import Limits, measured_limits
from posture.vision.reason import (
    Reason,
    hidden_hip,
    in_sight,
    pixel,
    too_small,
    uncertain_hip,
)
from posture.vision.view import View, view_of, yaw_of


class Status(StrEnum):
    """What `posture_log.posture_status` may hold."""

    GOOD = "Good"
    BAD = "Bad"
    PARTIAL = "Partial_Landmarks_Detected"
    NONE = "No_Landmarks_Detected"


Preset = Literal["nearest", "legacy"]
PRESETS: tuple[Preset, ...] = get_args(Preset)

# 93 % (lite) to 96 % (heavy) of 144 labelled pictures come out right with these.
NECK_LIMIT = 40
BODY_LIMIT = 20

# Degrees of a body in a turned picture: 86 and more on the 18 at hand, while one that
# slouches behind a desk is given 61 to 78.
TURNED = 75

# The documented rule of the original scripts; 72 % on the same pictures.
LEGACY_NECK = (10, 50)
LEGACY_VISIBLE = 0.9
LEGACY_COUNT = 20


@dataclass(frozen=True)
class Verdict:
    """What one picture says of a posture.

    `neck` and `body` are whole degrees from the vertical, None where not measured;
    then `reason` says why. `side` is the side they were, or would have been, measured
    on.
    """

    status: Status
    neck: int | None = None
    body: int | None = None
    side: Side | None = None
    reason: Reason | None = None
    view: View | None = None
    yaw: int | None = None
    """Whole degrees: 90 from the side, 0 from front or back."""
    confidence: float | None = None
    """The model's least visibility of ear, shoulder and hip, from 0 to 1."""
    rotate: int | None = None
    """Degrees clockwise by which a turned picture would have to be turned."""
    baseline: Baseline | None = None
    """Of the camera, where its own limits were applied and not the usual ones."""

    @property
    def measured(self) -> bool:
        """Whether there are angles."""
        return self.neck is not None


def judge(
    landmarks: Sequence[Landmark],
    width: int,
    height: int,
    preset: Preset = "nearest",
    limits: Limits | None = None,
    baseline: Baseline | None = None,
) -> Verdict:
    """The verdict on the landmarks of a picture of `width` x `height` pixels.

    `landmarks` are the 33 of the person, or none when nobody was found. `limits`
    default to the measured ones. With a `baseline` its limits of neck and body count,
    but for `legacy`.
    """
    if not landmarks:
        return Verdict(Status.NONE, reason=Reason.NOBODY)
    if preset == "legacy":
        return _legacy(landmarks, (width, height))
    limits = limits or measured_limits()
    return _nearest(landmarks, (width, height), limits, baseline)


def _nearest(
    landmarks: Sequence[Landmark],
    size: tuple[int, int],
    limits: Limits,
    baseline: Baseline | None,
) -> Verdict:
    side = nearest_side(landmarks)
    found = Verdict(Status.PARTIAL, side=side, confidence=_confidence(landmarks, side))
    if not in_sight(landmarks[POINTS[side][1]]):
        return replace(found, reason=Reason.SHOULDER)
    ear, shoulder, hip = _points(landmarks, side, size, limits.far)
    neck, body = inclination(shoulder, ear), inclination(hip, shoulder)
    seen = in_sight(landmarks[POINTS[side][2]])
    if seen and body is not None and round(body) > limits.body:
        turned = body >= TURNED and not uncertain_hip(landmarks, side, limits)
        return _beyond(found, _rotation(hip, shoulder) if turned else None)
    yaw = yaw_of(landmarks)
    if yaw is None:
        return replace(found, reason=Reason.VIEW_UNKNOWN)
    found = replace(found, view=view_of(landmarks, yaw, limits.yaw), yaw=round(yaw))
    if yaw < limits.yaw:
        return replace(found, reason=Reason.NOT_FROM_THE_SIDE)
    ear_seen = in_sight(landmarks[POINTS[side][0]])
    if not ear_seen or neck is None or round(neck) > limits.neck:
        return replace(found, reason=Reason.EAR)
    if body is None or hidden_hip(landmarks, side, size, limits):
        return replace(found, reason=Reason.HIP)
    if too_small(landmarks, side, size, limits):
        return replace(found, reason=Reason.TOO_SMALL)
    return _rated(replace(found, baseline=baseline), neck, body, "nearest")


def _beyond(found: Verdict, rotate: int | None) -> Verdict:
    """Nobody leans so far: the picture is turned, or else the hip is made up."""
    reason = Reason.HIP if rotate is None else Reason.TURNED
    return replace(found, reason=reason, rotate=rotate)


def _legacy(landmarks: Sequence[Landmark], size: tuple[int, int]) -> Verdict:
    """The original's rule: nothing here may change what it says."""
    found = Verdict(Status.PARTIAL, side="left", reason=Reason.FEW_LANDMARKS)
    certain = sum(each.visibility >= LEGACY_VISIBLE for each in landmarks)
    if certain < LEGACY_COUNT:
        return found
    ear, shoulder, hip = _points(landmarks, "left", size, 0)
    neck, body = inclination(shoulder, ear), inclination(hip, shoulder)
    if neck is None or body is None:
        return found
    return _rated(replace(found, reason=None), neck, body, "legacy")


def _points(
    landmarks: Sequence[Landmark], side: Side, size: tuple[int, int], far: float
) -> tuple[Point, Point, Point]:
    """Ear, shoulder and hip in pixels: of this side, with a share of the other's."""

    def point(number: int, opposite: int) -> Point:
        near, away = landmarks[number], landmarks[opposite]
        inside = 0 <= away.x <= 1 and 0 <= away.y <= 1
        if not inside or not far:
            return pixel(near, size)
        one, two = pixel(near, size), pixel(away, size)
        return Point(one.x + far * (two.x - one.x), one.y + far * (two.y - one.y))

    ear, shoulder, hip = map(point, POINTS[side], POINTS[other(side)])
    return ear, shoulder, hip


def _confidence(landmarks: Sequence[Landmark], side: Side) -> float | None:
    least = min(landmarks[i].visibility for i in POINTS[side])
    return round(least, 2) if math.isfinite(least) else None


def _rotation(hip: Point, shoulder: Point) -> int:
    """Degrees clockwise, of 90, 180 and 270, that bring the shoulder over the hip."""
    right, down = shoulder.x - hip.x, shoulder.y - hip.y
    if abs(right) > abs(down):
        return 270 if right > 0 else 90
    return 180


def _rated(found: Verdict, neck: float, body: float, preset: Preset) -> Verdict:
    # The rule is put to the rounded angles, so that a row can be checked by its reader.
    whole_neck, whole_body = round(neck), round(body)
    good = _is_good(whole_neck, whole_body, preset, found.baseline)
    status = Status.GOOD if good else Status.BAD
    return replace(found, status=status, neck=whole_neck, body=whole_body)


def _is_good(neck: int, body: int, preset: Preset, baseline: Baseline | None) -> bool:
    if preset == "legacy":
        low, high = LEGACY_NECK
        return low < neck < high and body < BODY_LIMIT
    most_neck, most_body = baseline.limits if baseline else (NECK_LIMIT, BODY_LIMIT)
    return neck < most_neck and body < most_body
