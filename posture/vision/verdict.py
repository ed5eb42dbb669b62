"""From 33 landmarks to a posture status.

The angles are inclinations from the vertical as a camera beside the person sees them:
the neck's (ear over shoulder) and the body's (shoulder over hip). They are no medical
measure, and no score of any published ergonomic method.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, get_args

from posture.vision.geometry import Point, inclination


class Status(StrEnum):
    """What `posture_log.posture_status` may hold."""

    GOOD = "Good"
    BAD = "Bad"
    PARTIAL = "Partial_Landmarks_Detected"
    NONE = "No_Landmarks_Detected"


class Landmark(NamedTuple):
    """One of MediaPipe's 33 pose landmarks.

    `x` and `y` are shares of the picture's width and height (outside 0..1: outside the
    picture), `z` the depth on the scale of `x`, smaller being nearer to the camera,
    `visibility` the model's estimate from 0 to 1 that nothing hides the point.
    """

    x: float
    y: float
    z: float
    visibility: float


Side = Literal["left", "right"]
Preset = Literal["nearest", "legacy"]
PRESETS: tuple[Preset, ...] = get_args(Preset)

# Ear, shoulder, hip in MediaPipe's numbering of pose landmarks.
POINTS: dict[Side, tuple[int, int, int]] = {"left": (7, 11, 23), "right": (8, 12, 24)}

# 93 % (lite) to 96 % (heavy) of 144 labelled pictures come out right with these.
NECK_LIMIT = 40
BODY_LIMIT = 20
VISIBLE = 0.5

# The documented rule of the original scripts; 72 % on the same pictures.
LEGACY_NECK = (10, 50)
LEGACY_VISIBLE = 0.9
LEGACY_COUNT = 20


@dataclass(frozen=True)
class Verdict:
    """What one picture says of a posture.

    `neck` and `body` are whole degrees from the vertical, None where not measured.
    `side` is the side they were, or would have been, measured on.
    """

    status: Status
    neck: int | None = None
    body: int | None = None
    side: Side | None = None

    @property
    def measured(self) -> bool:
        """Whether there are angles."""
        return self.neck is not None


def judge(
    landmarks: Sequence[Landmark], width: int, height: int, preset: Preset = "nearest"
) -> Verdict:
    """The verdict on the landmarks of a picture of `width` x `height` pixels.

    `landmarks` are the 33 of the person, or none when nobody was found.
    """
    if not landmarks:
        return Verdict(Status.NONE)
    side = nearest_side(landmarks) if preset == "nearest" else "left"
    if not _complete(landmarks, side, preset):
        return Verdict(Status.PARTIAL, side=side)
    ear, shoulder, hip = (
        Point(landmarks[i].x * width, landmarks[i].y * height) for i in POINTS[side]
    )
    neck, body = inclination(shoulder, ear), inclination(hip, shoulder)
    if neck is None or body is None:
        return Verdict(Status.PARTIAL, side=side)
    # The rule is put to the rounded angles, so that a row can be checked by its reader.
    whole_neck, whole_body = round(neck), round(body)
    good = _is_good(whole_neck, whole_body, preset)
    return Verdict(Status.GOOD if good else Status.BAD, whole_neck, whole_body, side)


def nearest_side(landmarks: Sequence[Landmark]) -> Side:
    """The side whose ear, shoulder and hip are nearer to the camera; left if equal."""

    def depth(side: Side) -> float:
        return sum(landmarks[i].z for i in POINTS[side])

    return min(POINTS, key=depth)


def _complete(landmarks: Sequence[Landmark], side: Side, preset: Preset) -> bool:
    if preset == "legacy":
        seen = sum(each.visibility >= LEGACY_VISIBLE for each in landmarks)
        return seen >= LEGACY_COUNT
    return all(_in_sight(landmarks[i]) for i in POINTS[side])


def _in_sight(each: Landmark) -> bool:
    inside = 0 <= each.x <= 1 and 0 <= each.y <= 1
    return inside and each.visibility >= VISIBLE


def _is_good(neck: int, body: int, preset: Preset) -> bool:
    if preset == "legacy":
        low, high = LEGACY_NECK
        return low < neck < high and body < BODY_LIMIT
    return neck < NECK_LIMIT and body < BODY_LIMIT
