"""The one door to MediaPipe: an image in, 33 landmarks out."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar, get_args

import numpy as np

from posture.errors import ModelError
from posture.vision.cpu_affinity import threads_on
from posture.vision.import_stubs import only_vision
from posture.vision.landmark import Landmark, World
from posture.vision.payload import Image
from posture.vision.people import People, asked_for, the_one

if TYPE_CHECKING:
    from mediapipe.tasks.python.vision.pose_landmarker import PoseLandmarkerResult

_T = TypeVar("_T")
_EMPTY = 32  # pixels of a side of a picture in which nobody is
# Milliseconds that MediaPipe is told to lie between two pictures: so many that it
# smooths nothing over time, and each picture is measured by itself.
_STEP = 10_000_000
Delegate = Literal["cpu", "gpu"]
DELEGATES: tuple[Delegate, ...] = get_args(Delegate)


class Finder(Protocol):
    """What an analyst needs of a landmarker."""

    core: int | None
    """Where the thread that calls `find` should stay, if anywhere."""

    def find(self, image: Image) -> list[Landmark]:
        """The landmarks of the person in `image` (blue-green-red); none if nobody."""


class Landmarker:
    """One pose landmarker: uses one core, and one thread at a time."""

    def __init__(
        self,
        model: Path,
        core: int | None = None,
        delegate: Delegate = "cpu",
        *,
        follows: bool = False,
        people: People = "any",
    ) -> None:
        """Load the bundle at `model`; MediaPipe's threads stay on `core`, if given.

        It is fastest when the thread that calls `find` stays there, too. One that
        `follows` takes the pictures of one camera, and looks for the person of the one
        before where that was: it needs half of the time. `people` is whom it finds
        where there are several.

        Raises:
            ModelError: it is missing or no pose landmarker bundle.
        """
        self.core = core
        self._delegate = delegate
        self._model = model
        self._follows = follows
        self._people = people
        self._moment = 0
        with only_vision():
            import mediapipe
            from mediapipe.tasks.python.core.base_options import BaseOptions
            from mediapipe.tasks.python.vision import pose_landmarker

        self._image = mediapipe.Image
        self._format = mediapipe.ImageFormat.SRGB
        chosen = BaseOptions.Delegate.CPU
        if self._delegate == "gpu":
            # Graphics memory has no pixels of three bytes.
            self._format = mediapipe.ImageFormat.SRGBA
            chosen = BaseOptions.Delegate.GPU
        mode = pose_landmarker._RunningMode  # its name in this module alone
        options = pose_landmarker.PoseLandmarkerOptions(
            base_options=BaseOptions(
                model_asset_path=str(self._model), delegate=chosen
            ),
            running_mode=mode.VIDEO if self._follows else mode.IMAGE,
            num_poses=asked_for(self._people),
        )
        try:
            with threads_on(self.core):
                self._task = pose_landmarker.PoseLandmarker.create_from_options(options)
        except (RuntimeError, ValueError, FileNotFoundError) as error:
            raise ModelError(self._cannot_load(str(error))) from error
        _stay_in_this_thread(self._task)

    def _cannot_load(self, error: str) -> str:
        if self._delegate == "gpu":
            why = error.rpartition("cannot be created: ")[2]
            return f"the GPU cannot be used: {why} (DELEGATE)"
        return f"cannot load the pose model {self._model}: {error}"

    def find(self, image: Image) -> list[Landmark]:
        """The landmarks of the person in `image` (blue-green-red); none if nobody.

        Raises:
            RuntimeError, ValueError: the GPU fails.
            SeveralPeopleError: one was to be alone.
        """
        result = self._detect(image)
        size = (image.shape[1], image.shape[0])
        return the_one(_people_of(result), self._people, size)

    def _detect(self, image: Image) -> "PoseLandmarkerResult":
        import cv2

        colours = cv2.COLOR_BGR2RGBA if self._delegate == "gpu" else cv2.COLOR_BGR2RGB
        pixels = cv2.cvtColor(image, colours)
        picture = self._image(image_format=self._format, data=pixels)
        if not self._follows:
            return self._task.detect(picture)
        self._moment += _STEP
        return self._task.detect_for_video(picture, self._moment)

    def forget(self) -> None:
        """Look for a person anew in the next picture, where it follows one."""
        self._detect(np.zeros((_EMPTY, _EMPTY, 3), np.uint8))

    def close(self) -> None:
        """Free the model."""
        self._task.close()


def _people_of(result: "PoseLandmarkerResult") -> list[list[Landmark]]:
    return [
        [
            Landmark(
                each.x,
                each.y,
                each.z,
                each.visibility,
                each.presence,
                World(world.x, world.y, world.z),
            )
            for each, world in zip(flat, space, strict=True)
        ]
        for flat, space in zip(
            result.pose_landmarks, result.pose_world_landmarks, strict=True
        )
    ]


def _stay_in_this_thread(task: object) -> None:
    """Let the caller's thread make the calls into MediaPipe's library.

    MediaPipe hands each call to one thread of its own and waits for it, so that calls
    from several threads come one after another. Here they do anyway, and to change the
    thread four times a picture costs 1.5 % of all pictures with the full model.
    """
    # Not MediaPipe's public interface: where it is absent, all is slower and right.
    dispatcher = getattr(task, "_lib", None)
    executor = getattr(dispatcher, "_executor", None)
    if isinstance(executor, Executor):
        executor.submit = _do_now  # type: ignore[method-assign,assignment]


def _do_now(work: Callable[..., _T], *arguments: object) -> Future[_T]:
    done: Future[_T] = Future()
    done.set_result(work(*arguments))
    return done
