"""What is left of a person in what is kept. No test of looks: see docs/images."""

import cv2
import numpy as np
import pytest

from posture.settings import STORES
from posture.vision.analyze import Rules, analyze, encode
from posture.vision.annotate import annotate
from posture.vision.anonymize import disguise
from posture.vision.landmark import Landmark
from posture.vision.landmarks import Landmarker
from posture.vision.verdict import Status, Verdict, judge
from tests.conftest import IMAGES
from tests.fixtures.images import file_of
from tests.fixtures.pose import pose
from tests.fixtures.worker import ROOT

# Where heads are in the samples, hair and chin included: left, top, right, bottom.
HEADS = {
    "forward_head_1280_003": (650, 138, 732, 247),
    "forward_head_1280_011": (637, 125, 705, 210),
    "good_1280_000": (576, 134, 659, 220),
    "good_1280_001": (597, 131, 670, 213),
    "good_1280_004": (589, 98, 672, 191),
    "good_1280_008": (610, 0, 721, 136),
    "good_1280_009": (558, 23, 651, 127),
    "good_1280_012": (617, 108, 703, 210),
    "slouch_1280_002": (453, 178, 536, 287),
    "slouch_1280_005": (788, 170, 877, 279),
    "slouch_1280_010": (728, 193, 794, 278),
    "slouch_1280_013": (493, 205, 553, 285),
}
WIDTHS = [640, 1280, 1920]
every_width = pytest.mark.parametrize("width", WIDTHS)
every_head = pytest.mark.parametrize("name", HEADS)


@pytest.fixture(scope="module")
def find():
    landmarker = Landmarker(ROOT / "models" / "pose_landmarker_lite.task")
    yield landmarker.find
    landmarker.close()


def sample(name, width=1280):
    image = cv2.imread(str(IMAGES / f"{name}.jpg"))
    height = round(image.shape[0] * width / image.shape[1])
    return cv2.resize(image, (width, height))


def kept(image, landmarks, store):
    """As the worker does it, but for the compression."""
    image = image.copy()
    verdict = judge(landmarks, image.shape[1], image.shape[0])
    shown = disguise(image, landmarks, verdict, store)
    annotate(shown, landmarks, verdict)
    return shown


def ellipse(height, width):
    y, x = np.indices((height, width))
    return ((2 * y + 1) / height - 1) ** 2 + ((2 * x + 1) / width - 1) ** 2 <= 1


@every_width
@every_head
def test_nothing_of_a_head_but_its_average_colour_is_in_a_blurred_picture(
    find, name, width
):
    image = sample(name, width)
    landmarks = find(image)
    left, top, right, bottom = (round(n * width / 1280) for n in HEADS[name])
    other = image.copy()
    head = other[top:bottom, left:right]
    inside = ellipse(head.shape[0], head.shape[1])
    head[inside] = head[::-1, ::-1][inside]  # another face of the same colours
    assert np.abs(other.astype(int) - image).max() > 50

    assert (
        kept(other, landmarks, "blurred") == kept(image, landmarks, "blurred")
    ).all()


@every_width
def test_the_body_can_be_seen_in_a_blurred_picture(find, width):
    image = sample("good_1280_000", width)
    landmarks = find(image)

    after = kept(image, landmarks, "blurred")

    one, other = landmarks[11], landmarks[13]  # upper arm
    x, y = (one.x + other.x) / 2 * width, (one.y + other.y) / 2 * image.shape[0]
    window = np.s_[round(y) - 5 : round(y) + 5, round(x) - 5 : round(x) + 5]
    assert (after[window] == image[window]).all()


def from_few_values(image):
    """What 8 values along the shorter side are enough to draw."""
    height, width = image.shape[:2]
    block = min(height, width) / 8
    few = (round(width / block), round(height / block))
    centres = cv2.resize(image, few, interpolation=cv2.INTER_LINEAR)
    return cv2.resize(centres, (width, height), interpolation=cv2.INTER_LINEAR)


def difference(one, other):
    return np.abs(one.astype(int) - other).max()


UNCERTAIN = {
    "nobody was found": [],
    "no landmark is visible": [each._replace(visibility=0.1) for each in pose()],
    "a landmark is no place": [Landmark(float("nan"), 0.5, 0, 1), *pose()[1:]],
}


@every_width
@pytest.mark.parametrize("landmarks", UNCERTAIN.values(), ids=UNCERTAIN)
def test_where_no_body_is_certain_a_few_values_are_all_that_is_kept(landmarks, width):
    image = sample("good_1280_008", width)
    verdict = judge(landmarks, *image.shape[1::-1])
    assert difference(image, from_few_values(image)) > 100

    after = disguise(image.copy(), landmarks, verdict, "blurred")

    assert difference(after, from_few_values(after)) <= 3


def test_ears_that_cannot_be_seen_leave_no_body_to_be_seen():
    # The `legacy` preset measures without them: the head may be anywhere.
    landmarks = pose(10, 10)
    for ear in (7, 8):
        landmarks[ear] = landmarks[ear]._replace(visibility=0.1)
    image = sample("good_1280_008")

    after = disguise(image, landmarks, Verdict(Status.GOOD, 10, 10, "left"), "blurred")

    assert difference(after, from_few_values(after)) <= 3


@every_width
def test_another_person_in_the_background_is_blurred_too(find, width):
    image = sample("good_1280_000", width)
    landmarks = find(image)
    height = image.shape[0]
    colleague = sample("good_1280_008", width)
    place = np.s_[height // 2 :, : width // 4]  # further than a block from the body
    image[place] = colleague[
        : height - height // 2, width // 2 : width // 2 + width // 4
    ]
    assert difference(image[place], from_few_values(image)[place]) > 100

    after = disguise(image, landmarks, judge(landmarks, width, height), "blurred")

    assert difference(after[place], from_few_values(after)[place]) <= 3


@every_width
@every_head
def test_a_skeleton_is_drawn_from_the_landmarks_alone(find, name, width):
    image = sample(name, width)
    landmarks = find(image)
    noise = np.random.default_rng(0).integers(0, 256, image.shape, np.uint8)

    after = kept(image, landmarks, "skeleton")

    assert (after == kept(noise, landmarks, "skeleton")).all()
    plain = np.full_like(image, 236)
    limbs = disguise(image.copy(), landmarks, Verdict(Status.NONE), "skeleton")
    assert (limbs != plain).any(axis=2).mean() > 0.001


def test_the_full_picture_is_the_annotated_one(find):
    image = sample("good_1280_000")
    landmarks = find(image)
    annotated = image.copy()
    annotate(annotated, landmarks, judge(landmarks, *image.shape[1::-1]))

    assert (kept(image, landmarks, "full") == annotated).all()


@pytest.mark.parametrize("store", STORES)
def test_a_verdict_does_not_depend_on_what_is_kept(find, store):
    payload = (IMAGES / "slouch_1280_005.jpg").read_bytes()

    analysis = analyze(payload, find, Rules(store=store))

    assert analysis.verdict.status == Status.BAD
    assert bool(analysis.picture) == (store != "none")


def test_no_note_of_the_camera_comes_along(find):
    # EXIF can hold the place, the time, and a small copy of the picture.
    jpeg = file_of(sample("good_1280_000"), ".jpg")
    exif = b"Exif\0\0" + b"secret place"
    marked = (
        jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]
    )

    for store in ("skeleton", "blurred", "full"):
        picture = analyze(marked, find, Rules(store=store)).picture
        assert b"Exif" not in picture
        assert picture.startswith(b"\xff\xd8")


@pytest.mark.parametrize("store", ["skeleton", "blurred"])
@pytest.mark.parametrize("size", [(50_000, 1000), (1000, 50_000)])
def test_points_all_over_a_picture_of_the_largest_size_are_no_failure(store, size):
    spread = np.random.default_rng(0).uniform(-3, 3, (33, 2))
    landmarks = [Landmark(x, y, 0, 1) for x, y in spread]
    image = np.zeros((size[1], size[0], 3), np.uint8)

    shown = disguise(image, landmarks, Verdict(Status.BAD, 50, 30, "left"), store)

    assert shown.shape == (size[1], size[0], 3)
    # Lines between the points that are inside; a blurred black picture stays black.
    assert shown.any() == (store == "skeleton")


@pytest.mark.parametrize("store", ["skeleton", "blurred"])
@pytest.mark.parametrize("far", [-0.5, 1.5, 1e6, -1e9, float("nan"), float("inf")])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (33, 17), (640, 480)])
def test_no_landmark_and_no_size_is_too_odd(store, far, size):
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    verdict = Verdict(Status.BAD, 50, 30, "left")
    for landmarks in ([Landmark(far, far, 0, 1)] * 33, pose(38, 17), []):
        shown = disguise(image.copy(), landmarks, verdict, store)
        assert shown.shape == image.shape
        decoded = cv2.imdecode(np.frombuffer(encode(shown), np.uint8), 1)
        assert decoded.shape == image.shape
