"""MediaPipe's pose landmarks: 33 points of a body, in the picture and in space."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Side = Literal["left", "right"]

# Ear, shoulder, hip in MediaPipe's numbering of pose landmarks.
POINTS: dict[Side, tuple[int, int, int]] = {"left": (7, 11, 23), "right": (8, 12, 24)}
SHOULDERS, HIPS = (11, 12), (23, 24)
KNEES: dict[Side, int] = {"left": 25, "right": 26}


class World(NamedTuple):
    """A place in space: metres from between the hips.

    `x` to the right of the picture, `y` downward, `z` away from the camera.
    """

    x: float
    y: float
    z: float


class Landmark(NamedTuple):
    """One of MediaPipe's 33 pose landmarks.

    `x` and `y` are shares of the picture's width and height (outside 0..1: outside the
    picture), `z` the depth on the scale of `x`, smaller being nearer to the camera.
    `visibility` is the model's estimate from 0 to 1 that nothing hides the point,
    `presence` the one that it is in the picture. `world` is the point in space, None
    where the model gave none.
    """

    x: float
    y: float
    z: float
    visibility: float
    presence: float = 1.0
    world: World | None = None


def other(side: Side) -> Side:
    """The other side of the body."""
    return "right" if side == "left" else "left"


def nearest_side(landmarks: Sequence[Landmark]) -> Side:
    """The side whose ear, shoulder and hip are nearer to the camera; left if equal."""

    def depth(side: Side) -> float:
        return sum(landmarks[i].z for i in POINTS[side])

    return min(POINTS, key=depth)
