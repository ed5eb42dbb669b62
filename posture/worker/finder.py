"""A landmarker for a command: loaded, used and closed where nothing is reached."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from posture.vision.analyze import Find
from posture.vision.landmarks import Landmarker
from posture.vision.people import People
from posture.worker.seccomp import go_offline


@contextmanager
def finder(model: Path, people: People = "any") -> Iterator[Find]:
    """What finds landmarks with the bundle at `model`, in a thread that is offline.

    MediaPipe reports its use to its maker, also when it is closed; the command itself
    may talk to a broker or a database meanwhile.

    Raises:
        ModelError: the bundle is missing, or is none.
    """
    with ThreadPoolExecutor(1, initializer=go_offline) as offline:
        landmarker = offline.submit(Landmarker, model, people=people).result()
        try:
            yield lambda image: offline.submit(landmarker.find, image).result()
        finally:
            offline.submit(landmarker.close).result()


def try_model(model: Path) -> None:
    """Look at a picture of nobody.

    Raises:
        ModelError: the bundle is missing, or is none.
    """
    with finder(model) as find:
        find(np.zeros((480, 640, 3), np.uint8))
