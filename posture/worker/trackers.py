"""A camera's next picture costs less: its person is followed from one to the next.

A tracker takes the pictures of one camera, in their order, and looks for the person
where the one before showed somebody, instead of in all of the picture. Whenever that
could be wrong, the picture is looked at as if it were the first.
"""

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

import cv2
import numpy as np
from numpy.typing import NDArray

from common import cgroup
from posture.errors import ModelError
from posture.vision.header import MOST_BYTES
from posture.vision.landmark import POINTS, Landmark, nearest_side
from posture.vision.landmarks import Landmarker
from posture.vision.payload import Image
from posture.vision.reason import in_sight

log = logging.getLogger(__name__)

Find = Callable[[Image], list[Landmark]]

NEAR = 15.0  # seconds between two pictures of which the second is followed
EVERY = 20  # pictures, of which one is looked at anew in any case
_MOVED = 0.04  # of the picture, by which ear, shoulder or hip may have moved
_CHANGED = 48  # of 255, by which a part of the picture may have become brighter
_PARTS = (16, 9)
_TRIED = 10  # followed pictures after which is known whether it pays
_SHARE = 0.3  # of them that may have to be looked at twice
_REST = 500  # pictures for which a camera is left alone where it does not pay
_ACTIVE = 60.0  # seconds for which a camera that sends nothing keeps its tracker
_MOST_CAMERAS = 10_000  # of which anything is known
# Bytes that a container's limit must leave before one more model is loaded: a tracker
# takes 50 to 90 MB, and the largest pictures are decoded beside it, and drawn on.
_ROOM = (100 << 20) + 4 * MOST_BYTES


class Tracker:
    """Follows the person of one camera; one picture at a time."""

    def __init__(self, load: Callable[[], Landmarker | None]) -> None:
        """`load` gives a landmarker that follows, if there is room for one."""
        self._load = load
        self._landmarker: Landmarker | None = None
        self._scene: NDArray[np.int16] | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Know nobody, and nothing of whether it pays."""
        self._points: Sequence[tuple[float, float]] = ()
        self._holds = False  # it would follow somebody
        self._knows = False  # and that is who was there in the last picture
        self._followed = 0
        self._tried = self._missed = 0

    @property
    def loaded(self) -> bool:
        """Whether it has a model, and so takes memory."""
        return self._landmarker is not None

    @property
    def pays(self) -> bool:
        """Whether looking twice is rare: it costs what following twice or so saves."""
        return self._tried < _TRIED or self._missed <= _SHARE * self._tried

    def lost(self) -> None:
        """The next picture is not the one after."""
        self._points = ()

    def unload(self) -> None:
        """Free the model, and follow nobody."""
        if self._landmarker:
            self._landmarker.close()
        self._landmarker = None
        self._begin_anew()

    def find(self, image: Image, alone: Find) -> list[Landmark]:
        """The landmarks of the person in the camera's next picture; none if nobody.

        `alone` looks at a picture by itself.
        """
        scene = _scene(image)
        found = self._found(image, scene, alone)
        self._scene, self._points = scene, _points(found)
        return found

    def _found(
        self, image: Image, scene: NDArray[np.int16], alone: Find
    ) -> list[Landmark]:
        if not self._points or self._changed(scene):
            self._knows = False
            return alone(image)
        self._landmarker = self._landmarker or self._load()
        if not self._landmarker:
            return alone(image)
        if not self._knows or self._followed >= EVERY:
            return self._begin(self._landmarker, image)
        self._followed += 1
        self._tried += 1
        found = self._landmarker.find(image)
        self._holds = bool(found)
        if self._certain(found):
            return found
        self._missed += 1
        self._knows = False
        return alone(image)

    def _begin(self, landmarker: Landmarker, image: Image) -> list[Landmark]:
        """Look at all of the picture, to follow from here."""
        if self._holds:
            landmarker.forget()
        found = landmarker.find(image)
        self._holds = self._knows = bool(found)
        self._followed = 0
        return found

    def _changed(self, scene: NDArray[np.int16]) -> bool:
        """Whether something large has come, gone or moved; a lamp that is lit, too."""
        return self._scene is None or int(np.abs(scene - self._scene).max()) > _CHANGED

    def _certain(self, found: Sequence[Landmark]) -> bool:
        """Whether the same person still sits there, and can be judged."""
        side = POINTS[nearest_side(found)] if found else ()
        if not found or not all(in_sight(found[number]) for number in side):
            return False
        moved = map(math.dist, _points(found), self._points)
        return max(moved) <= _MOVED


def _points(found: Sequence[Landmark]) -> list[tuple[float, float]]:
    """Ears, shoulders and hips."""
    numbers = [number for side in POINTS.values() for number in side]
    return [(found[number].x, found[number].y) for number in numbers] if found else []


def _scene(image: Image) -> NDArray[np.int16]:
    """The picture as so few means that noise is none of them."""
    small = cv2.resize(image, _PARTS, interpolation=cv2.INTER_AREA)
    return small.astype(np.int16)


class _Camera:
    """What is known of a camera; used by one thread at a time."""

    def __init__(self, load: Callable[[], Landmarker | None]) -> None:
        self.lock = threading.Lock()
        self.tracker = Tracker(load)
        self.used = 0.0
        """When it was needed last, by `time.monotonic`."""
        self._received: datetime | None = None
        self._rest = 0  # pictures for which it is left alone

    def find(self, image: Image, received: datetime, alone: Find) -> list[Landmark]:
        """The person in a picture that came at that moment."""
        before = self._received or received
        gap = (received - before).total_seconds()
        if gap < 0 or self._rest:  # out of order: the next one follows the newest
            self._rest = max(0, self._rest - 1)
            return alone(image)
        self._received = received
        self.used = time.monotonic()
        if gap > NEAR:
            self.tracker.lost()
        if not self.tracker.pays:
            self.tracker.unload()
            self._rest = _REST
        return self.tracker.find(image, alone)


class Trackers:
    """Trackers of so many cameras at most, those that send."""

    def __init__(
        self,
        most: int,
        make: Callable[[], Landmarker],
        waiting: int = 0,
        memory_left: Callable[[], int | None] = cgroup.memory_left,
    ) -> None:
        """Follow `most` cameras at a time; `make` loads a landmarker that follows.

        While all of them send, others are looked at picture by picture: to load a model
        for each in turn would cost more than it saves. Fewer are followed where the
        container's limit leaves too little beside the `waiting` bytes of messages.
        """
        self._most = most
        self._make = make
        self._room = _ROOM + waiting
        self._memory_left = memory_left
        self._cameras: OrderedDict[str, _Camera] = OrderedDict()
        self._lock = threading.Lock()
        self._loading = threading.Lock()

    def finder(self, pi: str, received: datetime, find: Find) -> Find:
        """How to find the person in this picture; `find` looks at it by itself."""
        if not self._most:
            return find
        return lambda image: self._find(pi, received, image, find)

    def close(self) -> None:
        """Free all models."""
        for camera in self._cameras.values():
            camera.tracker.unload()

    def _find(
        self, pi: str, received: datetime, image: Image, find: Find
    ) -> list[Landmark]:
        camera = self._camera(pi)
        # Nobody waits: of two pictures of a camera at a time one is on its own.
        if not camera.lock.acquire(blocking=False):
            return find(image)
        try:
            return camera.find(image, received, find)
        finally:
            camera.lock.release()

    def _camera(self, pi: str) -> _Camera:
        with self._lock:
            camera = self._cameras.get(pi) or _Camera(self._load)
            self._cameras[pi] = camera
            self._cameras.move_to_end(pi)
            oldest = next(iter(self._cameras.items()))
            if len(self._cameras) > _MOST_CAMERAS and not oldest[1].tracker.loaded:
                del self._cameras[oldest[0]]
            return camera

    def _load(self) -> Landmarker | None:
        with self._loading:
            if not (self._has_room() and self._has_memory()):
                return None
            try:
                return self._make()
            except ModelError as error:
                log.warning("no camera more can be followed: %s", error)
                self._most = 0
                return None

    def _has_memory(self) -> bool:
        left = self._memory_left()
        if left is None or left >= self._room:
            return True
        with self._lock:
            self._most = sum(each.tracker.loaded for each in self._cameras.values())
        log.warning(
            "cameras that are followed: %d, and no more: the memory limit leaves %d "
            "MB, and %d are kept free for pictures and one model more (TRACK)",
            self._most,
            left >> 20,
            self._room >> 20,
        )
        return False

    def _has_room(self) -> bool:
        """Whether one more may be followed; makes room, if one has sent nothing."""
        with self._lock:
            cameras = [each for each in self._cameras.values() if each.tracker.loaded]
        if len(cameras) < self._most:
            return True
        oldest = min(cameras, key=lambda each: each.used)
        idle = time.monotonic() - oldest.used
        if idle < _ACTIVE or not oldest.lock.acquire(blocking=False):
            return False
        try:
            oldest.tracker.unload()
        finally:
            oldest.lock.release()
        return True
