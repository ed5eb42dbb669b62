"""Pictures in which nothing has changed, and people who move a little."""

import json
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from posture.vision.framing import shrunk
from posture.vision.landmark import POINTS, Landmark, World
from posture.vision.landmarks import Landmarker
from posture.worker import unchanged as module
from posture.worker.unchanged import Unchanged, is_unchanged, scene_of
from tests.conftest import IMAGES
from tests.fixtures.scenes import lit, noisy, turned
from tests.fixtures.worker import ROOT

LITE = ROOT / "models" / "pose_landmarker_lite.task"
LABELS = json.loads((IMAGES / "labels.json").read_text())
# All of them, and more models and moves, are tried by `python -m benchmarks.unchanged`.
SIDES = [name for name, each in LABELS.items() if each["expected"] in ("Good", "Bad")]
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def seen(image):
    return scene_of(shrunk(image, 960))


@pytest.fixture(scope="module")
def landmarker():
    made = Landmarker(LITE)
    yield made
    made.close()


@pytest.fixture(params=SIDES[::4])
def person(request, landmarker):
    """A picture, its landmarks, and ear, shoulder and hip in pixels."""
    image = cv2.imread(str(IMAGES / request.param))
    found = landmarker.find(shrunk(image, 960))
    height, width = image.shape[:2]
    side = POINTS[LABELS[request.param]["near_side"]]
    places = [np.array((found[i].x * width, found[i].y * height)) for i in side]
    return image, found, places


def test_noise_and_a_little_more_light_are_no_change(person):
    image, found, _ = person
    for spread in (2, 4, 6):
        before = seen(noisy(image, spread, 1))
        assert is_unchanged(before, seen(noisy(image, spread, 2)), found)
    dark = (image * 0.8).astype(np.uint8)
    assert is_unchanged(seen(dark), seen(noisy(lit(dark, 1.05), 3, 2)), found)


def test_a_head_or_a_body_that_turns_by_one_degree_has_moved(person):
    image, found, (ear, shoulder, hip) = person
    head, trunk = np.linalg.norm(shoulder - ear), np.linalg.norm(hip - shoulder)
    before = seen(noisy(image, 4, 1))
    for degrees in (-1, 1):
        nods = turned(image, shoulder, ear, 1.6 * head, degrees)
        leans = turned(image, hip, shoulder, 1.6 * trunk, degrees)
        for moved in (nods, leans):
            assert not is_unchanged(before, seen(noisy(moved, 4, 2)), found)


def test_a_clock_far_away_is_no_change_unless_nobody_is_there(person):
    image, found, _ = person
    with_clock = image.copy()
    left = np.mean([each.x for each in found]) > 0.5
    corner = (30, 40) if left else (image.shape[1] - 30, 40)
    cv2.circle(with_clock, corner, 14, (0, 0, 255), -1)
    assert is_unchanged(seen(image), seen(with_clock), found)
    assert not is_unchanged(seen(image), seen(with_clock), [])


def test_a_lamp_that_is_lit_a_person_who_leaves_another_size_are_changes(person):
    image, found, _ = person
    empty = cv2.imread(str(IMAGES / "empty_1280_006.jpg"))
    assert not is_unchanged(seen(image), seen(lit(image, 1.4)), found)
    assert not is_unchanged(seen(image), seen(empty), found)
    assert not is_unchanged(seen(empty), seen(image), [])
    assert not is_unchanged(seen(image), seen(image[:, :-40]), found)


def test_somebody_who_comes_in_far_from_the_person_is_a_change(person):
    image, found, _ = person
    entered = image.copy()
    left = np.mean([each.x for each in found]) > 0.5
    columns = slice(0, 120) if left else slice(-120, None)
    entered[300:, columns] = 40
    assert not is_unchanged(seen(image), seen(entered), found)


def test_landmarks_that_are_no_places_are_near_everywhere():
    world = World(0.0, 0.0, 0.0)
    lost = [Landmark(float("nan"), 0.5, 0.0, 1.0, 1.0, world)] * 33
    scene = np.full((90, 160), 100, np.uint8)
    other = scene.copy()
    other[0, 0] = 120
    assert is_unchanged(scene, scene, lost)
    assert not is_unchanged(scene, other, lost)


class Camera:
    """A camera before a picture of one colour, and how often it was looked at."""

    def __init__(self, seconds):
        self.unchanged = Unchanged(seconds)
        self.looks = 0

    def find(self, image):
        self.looks += 1
        return []

    def see(self, second, brightness=100, pi="desk"):
        image = np.full((360, 640, 3), brightness, np.uint8)
        at = BEGIN + timedelta(seconds=second)
        glance = self.unchanged.glance(pi, at, self.find)
        assert glance(image) == []
        return glance.unchanged


def test_a_verdict_stands_for_so_long_after_its_own_picture():
    camera = Camera(60)
    assert [camera.see(second) for second in (0, 20, 40, 60, 80, 100, 141)] == [
        *(False, True, True, True, False, True, False)
    ]
    assert camera.looks == 3


def test_a_picture_from_before_is_looked_at_and_does_not_become_the_last():
    camera = Camera(60)
    assert [camera.see(second) for second in (10, 5, 30)] == [False, False, True]


def test_each_camera_has_its_own_and_slow_changes_add_up():
    camera = Camera(1000)
    assert not camera.see(0)
    assert not camera.see(1, pi="other")
    slowly = [camera.see(n, brightness=100 + 2 * n) for n in range(1, 8)]
    assert slowly == [True, True, True, True, True, False, True]


def test_the_longest_unseen_camera_is_forgotten(monkeypatch):
    monkeypatch.setattr(module, "_MOST_CAMERAS", 2)
    camera = Camera(60)
    for pi in ("one", "two", "three"):
        camera.see(0, pi=pi)
    assert camera.see(1, pi="three")
    assert not camera.see(1, pi="one")


def test_every_picture_is_looked_at_unless_it_is_wanted():
    camera = Camera(0)
    assert not any(camera.see(second) for second in range(3))
    assert camera.looks == 3
