import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from posture.errors import ModelError
from posture.vision.landmarks import Landmarker
from posture.vision.limits import measured_limits
from posture.vision.verdict import judge
from tests.conftest import IMAGES
from tests.fixtures.scripts import in_a_fresh_process
from tests.fixtures.worker import ROOT

LITE = ROOT / "models" / "pose_landmarker_lite.task"
LABELS = json.loads((IMAGES / "labels.json").read_text())
# A forward head seen obliquely (azimuth 155): its angle in the picture is small.
NOT_WITH_LITE = {"forward_head_1280_011.jpg"}


@pytest.fixture(scope="module")
def landmarker():
    made = Landmarker(LITE)
    yield made
    made.close()


def verdict_on(landmarker, name):
    image = cv2.imread(str(IMAGES / name))
    limits = measured_limits().for_model("lite")
    return judge(landmarker.find(image), image.shape[1], image.shape[0], limits=limits)


@pytest.mark.parametrize("name", sorted(set(LABELS) - NOT_WITH_LITE))
def test_the_samples_get_the_status_they_are_labelled_with(landmarker, name):
    expected, verdict = LABELS[name]["expected"], verdict_on(landmarker, name)

    if expected == "not_Good_or_Bad":
        assert not verdict.measured
    else:
        assert verdict.status == expected
    if verdict.measured:
        assert verdict.side == LABELS[name]["near_side"]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (7, 5)], ids=str)
def test_no_size_is_too_odd(landmarker, size):
    assert landmarker.find(np.zeros((*size, 3), np.uint8)) == []


def test_the_image_is_left_as_it_was(landmarker):
    image = cv2.imread(str(IMAGES / "good_1280_000.jpg"))
    before = image.copy()

    found = landmarker.find(image)

    assert len(found) == 33
    assert (image == before).all()


def threads():
    return {int(each.name) for each in Path("/proc/self/task").iterdir()}


def test_the_threads_of_a_landmarker_stay_on_its_core_and_nothing_else_does():
    core = max(os.sched_getaffinity(0))
    before, free = threads(), os.sched_getaffinity(0)

    landmarker = Landmarker(LITE, core)
    begun = threads() - before

    assert begun
    assert {frozenset(os.sched_getaffinity(each)) for each in begun} == {
        frozenset({core})
    }
    assert os.sched_getaffinity(0) == free
    landmarker.close()


def test_the_thread_that_asks_does_the_work():
    landmarker = Landmarker(LITE)
    image = cv2.imread(str(IMAGES / "good_1280_000.jpg"))
    # MediaPipe's own thread takes nothing more after this.
    landmarker._task._lib._executor.shutdown()

    found = landmarker.find(image)
    landmarker.close()

    assert len(found) == 33


@pytest.mark.parametrize("content", [None, b"", b"no model"], ids=str)
def test_a_model_that_is_missing_or_broken_is_named(tmp_path, content):
    model = tmp_path / "model.task"
    if content is not None:
        model.write_bytes(content)

    with pytest.raises(ModelError, match=f"cannot load the pose model {model}"):
        Landmarker(model)


def test_a_model_that_was_cut_short_is_named(tmp_path):
    model = tmp_path / "model.task"
    shutil.copy(LITE, model)
    with model.open("r+b") as file:
        file.truncate(LITE.stat().st_size // 2)

    with pytest.raises(ModelError, match=f"cannot load the pose model {model}"):
        Landmarker(model)


def test_the_worker_does_not_wait_for_packages_that_it_does_not_need():
    program = (
        "import pathlib, sys\n"
        "from posture.worker import worker\n"
        "from posture.vision.landmarks import Landmarker\n"
        "Landmarker(pathlib.Path(sys.argv[1])).close()\n"
        "assert 'mediapipe' in sys.modules\n"
        "tasks = 'mediapipe.tasks.python'\n"
        "print([name for name in ('matplotlib', 'sounddevice', 'PIL', 'kubernetes',"
        " f'{tasks}.audio', f'{tasks}.text', f'{tasks}.retrieval', f'{tasks}.decision')"
        " if name in sys.modules])\n"
        # For whoever does need one, it is the real one.
        "from mediapipe.tasks.python.text import TextClassifier\n"
        "import matplotlib.pyplot\n"
        "print(TextClassifier.__name__)\n"
        "print(matplotlib.pyplot.__file__)\n"
    )

    not_needed, task, real = in_a_fresh_process(program, str(LITE)).splitlines()
    assert not_needed == "[]"
    assert task == "TextClassifier"
    assert real.endswith("pyplot.py")


def test_numpy_starts_no_threads_that_nothing_uses():
    program = "import os, posture, numpy; print(*os.listdir('/proc/self/task'))"
    assert len(in_a_fresh_process(program).split()) == 1
