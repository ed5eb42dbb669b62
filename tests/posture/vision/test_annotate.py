import cv2
import numpy as np
import pytest

from posture.vision.annotate import annotate
from posture.vision.landmark import POINTS, Landmark
from posture.vision.reason import Reason
from posture.vision.verdict import Status, Verdict
from posture.vision.view import View
from tests.conftest import IMAGES
from tests.fixtures.pose import pose

SIZES = [(640, 480), (720, 1280), (1280, 720), (1920, 1080)]
GROUNDS = {"black": 0, "dark": 40, "bright": 210, "white": 255}
LEGIBLE = 3  # the least contrast of large letters and of graphics in WCAG 2.2

every_size = pytest.mark.parametrize(
    ("width", "height"), SIZES, ids=lambda pixels: str(pixels)
)
every_ground = pytest.mark.parametrize("ground", GROUNDS.values(), ids=list(GROUNDS))
every_status = pytest.mark.parametrize("status", Status)


def verdict_of(status, side="left"):
    measured = status in (Status.GOOD, Status.BAD)
    return Verdict(status, *((38, 17) if measured else (None, None)), side)


def annotated(width, height, ground, landmarks, verdict):
    image = np.full((height, width, 3), ground, np.uint8)
    annotate(image, landmarks, verdict)
    return image


def luminance(pixels):
    """Relative luminance from 0 to 1 of blue-green-red pixels, as WCAG defines it."""
    share = np.asarray(pixels) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ (0.0722, 0.7152, 0.2126)


def contrast(one, other):
    """Contrast from 1 to 21 of two blue-green-red pixels."""
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def lines_of_text(image):
    """Per line of the panel, where its ink is: rows x columns, and the ground."""
    ground = image[0, 0]
    outside = image[-1, -1]
    changed = (image != ground).any(axis=2) & (image != outside).any(axis=2)
    rows = np.flatnonzero(changed.any(axis=1))
    return np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1), changed, ground


def best_contrast(image, inked, ground):
    """Contrast of the fullest ink: edges of letters are blended with the ground."""
    ink = np.unique(image[inked], axis=0)
    return max(contrast(each, ground) for each in ink)


@every_status
@every_ground
@every_size
def test_the_words_can_be_read(width, height, ground, status):
    image = annotated(width, height, ground, [], verdict_of(status))

    lines, inked, panel = lines_of_text(image)

    assert len(lines) == (2 if status in (Status.GOOD, Status.BAD) else 1)
    for rows in lines:
        in_line = np.zeros_like(inked)
        in_line[rows] = inked[rows]
        assert best_contrast(image, in_line, panel) >= LEGIBLE
        # Letters of a fortieth of the shorter side, and no less than 10 pixels.
        assert len(rows) >= max(10, min(width, height) / 40)
        assert inked[rows].any(axis=0).nonzero()[0].max() < width - 1


@every_ground
@every_size
@pytest.mark.parametrize("status", [Status.GOOD, Status.BAD])
def test_the_measured_side_stands_out_from_any_picture(width, height, ground, status):
    image = annotated(width, height, ground, pose(38, 17), verdict_of(status))

    ear, shoulder, hip = (pose(38, 17)[i] for i in POINTS["left"])
    for one, other in ((ear, shoulder), (shoulder, hip)):
        row = round((one.y + other.y) / 2 * height)
        column = round((one.x + other.x) / 2 * width)
        around = image[row, column - 20 : column + 20]
        # Against the picture, or against the line's own dark outline.
        assert max(contrast(image[row, column], each) for each in around) >= LEGIBLE


def test_only_the_measured_side_is_drawn():
    landmarks = pose(38, 17, near="right", far=(60, 60))
    image = annotated(1000, 500, 128, landmarks, verdict_of(Status.BAD, "right"))

    def drawn(side):
        ear = landmarks[POINTS[side][0]]
        return (image[round(ear.y * 500), round(ear.x * 1000)] != 128).any()

    assert drawn("right")
    assert not drawn("left")


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (1, 40), (40, 1), (2, 3), (33, 17), (3001, 7)]
)
@every_status
def test_no_size_is_too_odd(width, height, status):
    image = annotated(width, height, 90, pose(38, 17), verdict_of(status))

    assert image.shape == (height, width, 3)
    assert image.dtype == np.uint8
    # Where there is room for one sign, something is said.
    assert (image != 90).any() or min(width, height) < 17


@pytest.mark.parametrize("far", [-0.5, 1.5, 1e6, -1e9, float("nan"), float("inf")])
@pytest.mark.parametrize("status", [Status.BAD, Status.PARTIAL])
def test_landmarks_outside_the_picture_are_left_out(far, status):
    outside = [Landmark(far, far, 0, 1)] * 33

    image = annotated(640, 480, 90, outside, verdict_of(status))

    assert (image == annotated(640, 480, 90, [], verdict_of(status))).all()


def test_a_landmark_outside_does_not_take_the_others_along():
    landmarks = pose(38, 17)
    landmarks[7] = landmarks[7]._replace(x=-0.1)

    image = annotated(1000, 500, 128, landmarks, verdict_of(Status.PARTIAL))

    shoulder = landmarks[11]
    assert (image[round(shoulder.y * 500), round(shoulder.x * 1000)] != 128).any()


def test_most_of_the_picture_stays_as_it_was():
    before = cv2.imread(str(IMAGES / "slouch_1280_002.jpg"))
    after = before.copy()

    annotate(after, pose(38, 17), verdict_of(Status.BAD))

    assert (before != after).any(axis=2).mean() < 0.12


@pytest.mark.parametrize(("width", "height"), [*SIZES, (320, 180)], ids=str)
@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(Status.PARTIAL, reason=Reason.HIP, side="left"),
        Verdict(Status.PARTIAL, reason=Reason.TURNED, rotate=270, side="left"),
        Verdict(
            Status.PARTIAL, reason=Reason.NOT_FROM_THE_SIDE, view=View.FRONT, yaw=12
        ),
    ],
    ids=lambda verdict: verdict.reason,
)
def test_the_reason_is_on_the_picture_and_not_cut_off(width, height, verdict):
    image = annotated(width, height, 90, [], verdict)
    lines, inked, _ = lines_of_text(image)

    assert len(lines) == 2
    for rows in lines:
        assert inked[rows].any(axis=0).nonzero()[0].max() < width - 1


def test_a_picture_of_nobody_needs_no_reason():
    image = annotated(640, 480, 90, [], Verdict(Status.NONE, reason=Reason.NOBODY))

    assert len(lines_of_text(image)[0]) == 1
