"""A picture in which nothing has changed gets the landmarks of the one before.

The person must not have moved: where somebody was found, no part of the picture may
differ by more than noise does. What moves far from the person, such as a clock's hands,
may be as large as `_ELSEWHERE`; where nobody was found, nothing may move at all.
Pictures are compared with the one that was looked at: slow changes add up.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from posture.vision.landmark import Landmark
from posture.vision.payload import Image

Find = Callable[[Image], list[Landmark]]
_Scene = NDArray[np.uint8]

# Measured on 20 rendered pictures, the model's 640 x 360 (benchmarks/README.md): noise
# of 6 levels a pixel changes a part by 3.3 at most, a head that turns by 1 degree some
# part by 7.6 at least.
_PART = 4  # pixels of a side of the parts whose means are compared
_NOISE = 5  # of 255, by which the mean of a part may differ
_LAMP = 0.1  # share by which all may have become brighter or darker
_ELSEWHERE = 0.005  # of all parts that may differ, far from the person
_AROUND = 0.25  # of the person's size: how far around the landmarks is near
_LEGS = 27  # landmarks from here on are below the knees, and often guessed
_MOST_CAMERAS = 1000  # of which a picture is kept; the longest unseen goes


@dataclass(frozen=True)
class _Seen:
    """A picture that was looked at, and what was found."""

    received: datetime
    scene: _Scene
    found: list[Landmark]


class Glance:
    """Finds landmarks in a picture: those of the camera's last one, if it is equal."""

    def __init__(self, look: Callable[[Image], tuple[list[Landmark], bool]]) -> None:
        self._look = look
        self.unchanged = False
        """Whether they are the last one's."""

    def __call__(self, image: Image) -> list[Landmark]:
        """The landmarks of the person in `image`; none if nobody."""
        found, self.unchanged = self._look(image)
        return found


class Unchanged:
    """Remembers the last picture of each camera, and what was found in it."""

    def __init__(self, seconds: float) -> None:
        """Let landmarks stand for so many seconds after their picture; 0: never."""
        self._seconds = seconds
        self._cameras: OrderedDict[str, _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def glance(self, pi: str, received: datetime, find: Find) -> Glance:
        """How to find the person in a picture that came then; `find` looks anew."""
        if not self._seconds:
            return Glance(lambda image: (find(image), False))
        return Glance(lambda image: self._look(pi, received, image, find))

    def _look(
        self, pi: str, received: datetime, image: Image, find: Find
    ) -> tuple[list[Landmark], bool]:
        scene = scene_of(image)
        with self._lock:
            last = self._cameras.get(pi)
        if (
            last
            and 0 <= (received - last.received).total_seconds() <= self._seconds
            and is_unchanged(last.scene, scene, last.found)
        ):
            return last.found, True
        found = find(image)
        self._remember(pi, _Seen(received, scene, found))
        return found, False

    def _remember(self, pi: str, seen: _Seen) -> None:
        with self._lock:
            last = self._cameras.get(pi)
            if last is None or last.received <= seen.received:
                self._cameras[pi] = seen
            self._cameras.move_to_end(pi)
            if len(self._cameras) > _MOST_CAMERAS:
                self._cameras.popitem(last=False)


def scene_of(image: Image) -> _Scene:
    """The means of small parts of the picture, in grey."""
    height, width = image.shape[:2]
    size = (max(1, width // _PART), max(1, height // _PART))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def is_unchanged(before: _Scene, now: _Scene, found: Sequence[Landmark]) -> bool:
    """Whether whoever was `found` before has not moved, and nothing large has come."""
    if before.shape != now.shape:
        return False
    brighter = float(np.median((now + 1.0) / (before + 1.0)))
    if abs(brighter - 1) > _LAMP:
        return False
    differs = np.abs(now - before * brighter) > _NOISE
    if not found:
        return not differs.any()
    return not differs[_near(found, now)].any() and differs.mean() <= _ELSEWHERE


def _near(found: Sequence[Landmark], scene: _Scene) -> tuple[slice, slice]:
    """The rows and columns in which the person is."""
    body = np.array([(each.y, each.x) for each in found[:_LEGS]])
    if not np.isfinite(body).all():
        return slice(None), slice(None)
    around = _AROUND * np.ptp(body, axis=0)
    low = np.clip(body.min(axis=0) - around, 0, 1) * scene.shape
    high = np.clip(body.max(axis=0) + around, 0, 1) * scene.shape
    top, left = low.astype(int)
    bottom, right = np.ceil(high).astype(int)
    return slice(top, bottom), slice(left, right)
