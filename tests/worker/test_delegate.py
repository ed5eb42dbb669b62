"""Landmarks by the GPU: where it is right and sooner, and not for lack of one."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import cv2
import pytest

from posture.errors import ModelError
from posture.vision.landmarks import Landmarker
from posture.worker.delegate import PICTURE, Trial, _answers, better, choose, decide
from posture.worker.gpu import Gpu, GpuFirst
from tests.fixtures.worker import ROOT, WorkerProcess
from tests.worker.conftest import GOOD, payload

LITE = ROOT / "models" / "pose_landmarker_lite.task"
SEEN = [[0.5, 0.4, 0.9], [0.5, 0.6, 0.9], [0.1, 0.1, 0.0]]
# MediaPipe says so where graphics are emulated, and other words where there are none.
REFUSED = "the GPU cannot be used: "


def trial(milliseconds, points=SEEN):
    return Trial(milliseconds, points)


def moved(by, visibility=0.9):
    return [[0.5, 0.4, 0.9], [0.5 + by, 0.6, visibility], [0.9, 0.9, 0.0]]


class FailingGpu:
    """A GPU's task that has worked until now."""

    def detect(self, image):
        raise RuntimeError("CL_OUT_OF_RESOURCES")


@pytest.fixture
def no_gpu():
    try:
        Landmarker(LITE, delegate="gpu").close()
    except ModelError as error:
        assert str(error).startswith(REFUSED)
        return
    pytest.skip("there is a GPU here")


def test_without_a_gpu_the_processor_is_chosen_and_the_reason_told(no_gpu):
    choice = choose(LITE)

    assert choice.delegate == "cpu"
    assert choice.why.startswith(REFUSED)


def test_a_worker_with_auto_works_and_says_what_it_took(
    no_gpu, broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(DELEGATE="auto")

    broker.publish("images/pi1", payload(GOOD))

    (row,) = wait_for_rows(postgres, 1)
    assert row["posture_status"] == "Good"
    worker.wait_for(f"landmarks by the CPU: {REFUSED}")


def test_a_worker_that_is_told_to_use_a_gpu_ends_and_says_why_it_cannot(
    no_gpu, broker, postgres, tmp_path
):
    environ = broker.environ | postgres.environ | {"DELEGATE": "gpu"}
    worker = WorkerProcess(tmp_path, environ)

    assert worker.wait() == 1
    assert REFUSED in worker.log


@pytest.fixture
def shared():
    """A GPU that works until its task is replaced, and two analysts with it."""
    landmarker = Landmarker(LITE)
    gpu = Gpu(partial(Landmarker, LITE), landmarker)
    return landmarker, [GpuFirst(gpu), GpuFirst(gpu)]


def test_all_analysts_share_the_one_landmarker_on_the_gpu(shared):
    landmarker, finders = shared
    picture = cv2.imread(str(PICTURE))
    wanted = landmarker.find(picture)
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(finders[n % 2].find, picture) for n in range(8)]
    assert all(job.result() == wanted for job in jobs)
    assert all(each._own is None for each in finders)


def test_the_processor_takes_over_with_the_picture_on_which_the_gpu_fails(
    shared, caplog
):
    landmarker, finders = shared
    picture = cv2.imread(str(PICTURE))
    wanted = landmarker.find(picture)
    landmarker._task = FailingGpu()

    for each in (*finders, *finders):
        assert each.find(picture) == wanted

    assert finders[0]._own is not finders[1]._own  # as many as the processor would have
    assert caplog.text.count("from now on the CPU is used") == 1


def test_the_gpu_is_taken_where_it_is_right_and_faster():
    choice = better(trial(40.0), trial(10.0, moved(0.005)))

    assert choice.delegate == "gpu"
    assert "10.0 ms a picture, 40.0 by the CPU" in choice.why


@pytest.mark.parametrize(
    ("gpu", "why"),
    [
        (trial(50.0), "no faster"),
        (trial(10.0, moved(0.1)), "10.0% of the picture off"),
        (trial(10.0, []), "finds nobody"),
        (trial(10.0, moved(float("nan"))), "no numbers"),
    ],
)
def test_the_processor_stays_where_the_gpu_is_wrong_or_slower(gpu, why):
    choice = better(trial(40.0), gpu)

    assert choice.delegate == "cpu"
    assert why in choice.why


@pytest.mark.parametrize("points", [[], [[0.5, 0.4, 0.1]]], ids=["nobody", "unseen"])
@pytest.mark.parametrize("found", [[], SEEN], ids=["nor the gpu", "but the gpu"])
def test_the_processor_stays_where_it_sees_nobody_to_compare(points, found):
    choice = better(trial(40.0, points), trial(10.0, found))

    assert choice.delegate == "cpu"
    assert "cannot compare" in choice.why


def test_what_a_driver_prints_is_no_answer():
    told = b'libEGL: hello\n{"refused": "no device"}\n[1]\n{"milliseconds": 4}\n'
    assert [*_answers(told)] == [{"refused": "no device"}, {"milliseconds": 4}]


def test_a_refusal_of_either_is_the_reason():
    fine = {"milliseconds": 4.0, "points": SEEN}
    assert decide(fine, {"refused": "no device"}).why == "no device"
    assert decide({"refused": "no model"}, fine).why == "no model"


def test_a_model_that_is_none_is_told_before_anything_is_chosen(tmp_path):
    (tmp_path / "none.task").write_text("no bundle")

    assert choose(tmp_path / "none.task").delegate == "cpu"
