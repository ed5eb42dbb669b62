"""What of a picture may be kept: all, the body without face and surroundings, or none.

What leaves here can be sharpened by no one, for nothing finer is left in it: a head is
one even colour, and everything else but the body is averaged over blocks as wide as an
eighth of the picture. (A Gaussian blur keeps nearly all and can be undone; and a
mosaic of a moving head gives away its parts, picture by picture.)
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from posture.settings import Store
from posture.vision.landmark import Landmark
from posture.vision.payload import Image
from posture.vision.reason import VISIBLE
from posture.vision.verdict import Verdict

_BLOCKS = 8
"""Blocks along the shorter side: a head of 150 pixels in 720 is less than two wide."""

# MediaPipe's numbering of pose landmarks: nose, eyes, ears and mouth; shoulders and
# hips, round the chest; arms to the fingertips and legs to the toes.
_HEAD = range(11)
_EARS = (7, 8)
_TORSO = (11, 12, 24, 23)
_LIMBS = ((11, 13, 15, 19), (12, 14, 16, 20), (23, 25, 27, 31), (24, 26, 28, 32))

# Sizes as shares of the trunk's length, from shoulders to hips (about 50 cm).
_HEAD_ROUND = 0.45  # around each point of the head, at least
_TORSO_ROUND = 0.25
_LIMB_ROUND = 0.11
_HEAD_SPREAD = 2.2  # around each point of the head, in widths of all of them

_THICKEST = 32_767  # that OpenCV draws; no camera takes a picture that needs more

_GROUND = 236  # of 255: all channels alike
_BONE = (150, 156, 150)

_Points = NDArray[np.int32]


def disguise(
    image: Image, landmarks: Sequence[Landmark], verdict: Verdict, store: Store
) -> Image:
    """What may be kept of `image` (height x width x 3), which may be drawn on."""
    if store == "skeleton":
        return _skeleton(image, landmarks)
    if store == "blurred":
        return _blurred(image, landmarks, verdict)
    return image


def _blurred(image: Image, landmarks: Sequence[Landmark], verdict: Verdict) -> Image:
    """The body as it is, the head as one colour, the rest as a few blocks.

    Where no body was measured all is blocks, for somebody may be there all the same.
    """
    points = _pixels(landmarks, image)
    if points is None or _head_radius(points) > _THICKEST / 2:
        return _averaged(image)
    _even_out_head(image, points)  # first: nothing below sees it any more
    averaged = _averaged(image)
    if verdict.measured and any(landmarks[i].visibility >= VISIBLE for i in _EARS):
        body = _body(image, landmarks, points)
        cv2.copyTo(image, body, averaged)
    return averaged


def _averaged(image: Image) -> Image:
    """A smooth picture of the same size from so few values."""
    height, width = image.shape[:2]
    block = max(1.0, min(height, width) / _BLOCKS)
    few = (max(1, round(width / block)), max(1, round(height / block)))
    # Of each block 256 pixels are looked at, for all of them cost ten times as much;
    # of a block that has fewer, no more than it has.
    each = min(16, math.ceil(block))
    sample = cv2.resize(
        image, (few[0] * each, few[1] * each), interpolation=cv2.INTER_NEAREST
    )
    small = cv2.resize(sample, few, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def _even_out_head(image: Image, points: _Points) -> None:
    """Give the head, and generously what is around it, its average colour."""
    head = points[list(_HEAD)]
    radius = _head_radius(points)
    low = np.maximum(head.min(axis=0) - radius, 0)
    high = np.maximum(head.max(axis=0) + radius + 1, 0)
    part = image[low[1] : high[1], low[0] : high[0]]
    if not part.size:  # outside the picture
        return
    mask = np.zeros(part.shape[:2], np.uint8)
    # The hull of all points, and so much around it.
    hull = cv2.convexHull(head - low)
    cv2.polylines(mask, [hull], True, 255, 2 * radius)
    cv2.fillConvexPoly(mask, hull, 255)
    part[mask > 0] = np.rint(cv2.mean(part, mask)[:3])


def _head_radius(points: _Points) -> int:
    """How far around each of its points a head may reach."""
    spread = float(np.linalg.norm(np.ptp(points[list(_HEAD)], axis=0)))
    return max(2, round(max(_HEAD_SPREAD * spread, _HEAD_ROUND * _trunk(points))))


def _body(
    image: Image, landmarks: Sequence[Landmark], points: _Points
) -> NDArray[np.uint8]:
    """Where the trunk and the limbs are that can be seen: 255, elsewhere 0."""
    trunk = _trunk(points)
    around_trunk, around_limb = (
        max(1, round(2 * share * trunk)) for share in (_TORSO_ROUND, _LIMB_ROUND)
    )
    mask = np.zeros(image.shape[:2], np.uint8)
    hull = cv2.convexHull(points[list(_TORSO)])
    cv2.fillConvexPoly(mask, hull, 255)
    cv2.polylines(mask, [hull], True, 255, around_trunk)
    for one, other in _bones():
        if min(landmarks[one].visibility, landmarks[other].visibility) >= VISIBLE:
            ends = points[one].tolist(), points[other].tolist()
            cv2.line(mask, *ends, 255, around_limb)
    return mask


def _skeleton(image: Image, landmarks: Sequence[Landmark]) -> Image:
    """Head, trunk and limbs as lines on a plain ground."""
    image.fill(_GROUND)
    points = _pixels(landmarks, image)
    if points is None:
        return image
    thick = max(1, min(image.shape[:2]) // 240)
    for one, other in (*_bones(), *pairwise((*_TORSO, _TORSO[0]))):
        cv2.line(
            image,
            points[one].tolist(),
            points[other].tolist(),
            _BONE,
            thick,
            cv2.LINE_AA,
        )
    head = points[list(_HEAD)]
    radius = max(2, round(_trunk(points) / 6))
    middle = head.mean(axis=0).astype(int).tolist()
    cv2.circle(image, middle, radius, _BONE, thick, cv2.LINE_AA)
    return image


def _bones() -> list[tuple[int, int]]:
    return [bone for limb in _LIMBS for bone in pairwise(limb)]


def _trunk(points: _Points) -> float:
    """The distance from between the shoulders to between the hips, in pixels."""
    left, right, other, one = points[list(_TORSO)]
    return math.dist((left + right) / 2, (one + other) / 2)


def _pixels(landmarks: Sequence[Landmark], image: Image) -> _Points | None:
    """All points in pixels, none where they are no places; far ones are drawn near."""
    shares = np.array([(each.x, each.y) for each in landmarks])
    if not len(shares) or not np.isfinite(shares).all():
        return None
    height, width = image.shape[:2]
    return np.asarray(np.rint(np.clip(shares, -1, 2) * (width, height)), np.int32)
