"""One landmarker on the GPU for all analysts; each has its own once the GPU fails.

Two on one GPU are slower than one (NVIDIA H200, full: 190 pictures a second with one,
150 with two, 58 with four), while decoding and drawing need all cores.
"""

import logging
import threading
from collections.abc import Callable

from posture.vision.landmark import Landmark
from posture.vision.landmarks import Landmarker
from posture.vision.payload import Image

log = logging.getLogger(__name__)

Load = Callable[[int | None], Landmarker]


class Gpu:
    """The landmarker that all share, one picture at a time, until it fails."""

    def __init__(self, load: Load, landmarker: Landmarker) -> None:
        """Share `landmarker`; `load` gives one on a core of the processor."""
        self.load = load
        self._landmarker: Landmarker | None = landmarker
        self._lock = threading.Lock()

    def find(self, image: Image) -> list[Landmark] | None:
        """The landmarks of the person in `image`; None when the GPU has failed."""
        with self._lock:
            if self._landmarker is None:
                return None
            try:
                return self._landmarker.find(image)
            except (RuntimeError, ValueError) as error:
                # Not closed: a driver in this state may never answer.
                self._landmarker = None
                log.error(  # noqa: TRY400
                    "the GPU fails, from now on the CPU is used, by each of the "
                    "THREADS: %s",
                    error,
                )
                return None


class GpuFirst:
    """Finds landmarks for one analyst: by the GPU, and by `core` once that has failed.

    The picture on which it fails is no loss: it is looked at once more.
    """

    def __init__(self, gpu: Gpu, core: int | None = None) -> None:
        self.core = core
        self._gpu = gpu
        self._own: Landmarker | None = None

    def find(self, image: Image) -> list[Landmark]:
        """The landmarks of the person in `image` (blue-green-red); none if nobody."""
        if self._own is None:
            found = self._gpu.find(image)
            if found is not None:
                return found
            self._own = self._gpu.load(self.core)
        return self._own.find(image)
