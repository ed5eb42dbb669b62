"""What of a picture the model sees, and where that is in the whole picture."""

import cv2
import numpy as np
import pytest

from posture.vision import framing
from posture.vision.analyze import Rules, analyze
from posture.vision.camera_settings import CameraSettings, Region
from posture.vision.landmark import Landmark
from posture.vision.landmarks import Landmarker
from tests.conftest import IMAGES
from tests.fixtures.images import file_of
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ROOT

GOOD = cv2.imread(str(IMAGES / "good_1280_000.jpg"))


@pytest.fixture(scope="module")
def find():
    landmarker = Landmarker(ROOT / "models" / "pose_landmarker_lite.task")
    yield landmarker.find
    landmarker.close()


def rules(store="full", **environ):
    return Rules(store=store, cameras=settings_from(CameraSettings, environ))


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((1280, 720), (640, 360)),
        ((960, 540), (960, 540)),
        ((4056, 3040), (811, 608)),
        ((100, 3000), (25, 750)),
        ((1, 1), (1, 1)),
        ((5000, 1), (833, 1)),
    ],
)
def test_the_model_sees_at_most_960_pixels_by_a_whole_number(size, seen):
    image = np.zeros((size[1], size[0], 3), np.uint8)

    assert framing.shrunk(image, 960).shape[1::-1] == seen


@pytest.mark.parametrize(
    ("size", "apart"),
    [
        ((1280, 720), 0),
        ((1920, 1080), 0),
        ((2592, 1944), 4),
        ((3280, 2464), 4),
        ((4056, 3040), 8),
        ((4608, 2592), 8),
        ((6000, 500), 8),
    ],
)
def test_what_the_model_sees_are_means_of_what_was_there(size, apart):
    chance = np.random.default_rng(1)
    noise = chance.integers(0, 256, (size[1], size[0], 3), np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 1.5)  # as sharp as a lens is

    seen = framing.shrunk(image, 960)

    means = cv2.resize(image, seen.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert cv2.absdiff(seen, means).max() <= apart


def test_what_the_model_sees_never_changes_the_picture_itself(find):
    picture = analyze(file_of(GOOD, ".png"), find, rules()).picture

    assert cv2.imdecode(np.frombuffer(picture, np.uint8), 1).shape == GOOD.shape


@pytest.mark.parametrize(
    ("degrees", "code"),
    [
        (90, cv2.ROTATE_90_COUNTERCLOCKWISE),
        (180, cv2.ROTATE_180),
        (270, cv2.ROTATE_90_CLOCKWISE),
    ],
)
def test_a_turned_camera_is_told_its_setting_and_judged_with_it(find, degrees, code):
    turned = file_of(cv2.rotate(GOOD, code), ".png")

    without = analyze(turned, find, rules(), "desk3").verdict
    other = rules(ROTATE=f"desk4={degrees}")
    own = analyze(turned, find, rules(ROTATE=f"desk3={degrees}"), "desk3").verdict

    assert not without.measured
    assert without.rotate in (degrees, None)
    assert not analyze(turned, find, other, "desk3").verdict.measured
    assert own.status == "Good"


def test_only_the_region_of_a_camera_is_looked_at(find):
    two = file_of(np.hstack([GOOD, np.zeros_like(GOOD)]), ".png")

    whole = analyze(two, find, rules(REGION="0,0,0.5,1"))
    empty = analyze(two, find, rules(REGION="0.5,0,0.5,1"))

    assert whole.verdict.status == "Good"
    assert empty.verdict.status == "No_Landmarks_Detected"


def test_landmarks_of_a_region_are_placed_in_the_whole_picture():
    (placed,) = framing.in_whole([Landmark(0.5, 1, 0.2, 1)], Region(0.5, 0.2, 0.4, 0.5))

    assert placed[:3] == pytest.approx((0.7, 0.7, 0.08))


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 3)], ids=str)
@pytest.mark.parametrize(
    "environ", [{}, {"ROTATE": "90"}, {"REGION": "0.9,0.9,0.1,0.1"}]
)
def test_no_size_is_too_odd(find, size, environ):
    image = file_of(np.zeros((*size, 3), np.uint8), ".png")

    assert analyze(image, find, rules(**environ)).verdict.status == (
        "No_Landmarks_Detected"
    )


@pytest.mark.parametrize("grey", [0, 127, 255])
def test_a_picture_of_one_colour_has_nobody(find, grey):
    image = file_of(np.full((720, 1280, 3), grey, np.uint8), ".png")

    assert analyze(image, find, rules()).verdict.reason == "nobody"


@pytest.mark.parametrize(
    ("size", "most", "kept"),
    [
        ((1280, 720), 960, (960, 540)),
        ((1280, 720), 1280, (1280, 720)),
        ((1280, 720), None, (1280, 720)),
        ((4056, 3040), 960, (960, 720)),
        ((3000, 1), 64, (64, 1)),
    ],
)
def test_a_kept_picture_is_as_wide_as_wanted(size, most, kept):
    image = np.zeros((size[1], size[0], 3), np.uint8)

    assert framing.narrowed(image, most).shape[1::-1] == kept


def test_the_width_of_what_is_kept_changes_nothing_that_is_judged(find):
    file = file_of(GOOD, ".png")
    whole = analyze(file, find, Rules())
    for width in (64, 640, 960):
        narrow = analyze(file, find, Rules(picture_width=width))
        assert narrow.verdict == whole.verdict
        image = cv2.imdecode(np.frombuffer(narrow.picture, np.uint8), 1)
        assert image.shape[1] == width


def test_what_is_not_kept_is_neither_drawn_nor_written(find, monkeypatch):
    for name in ("disguise", "annotate", "encode"):
        monkeypatch.delattr(f"posture.vision.analyze.{name}")

    assert analyze(file_of(GOOD, ".png"), find, Rules(store="none")).picture == b""
