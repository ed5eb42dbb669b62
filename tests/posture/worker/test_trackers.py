"""A camera's person is followed, and a picture is never judged the worse for it."""

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from posture.errors import ModelError
from posture.vision.framing import shrunk
from posture.vision.landmarks import Landmarker
from posture.vision.verdict import judge
from posture.worker import trackers as module
from posture.worker.trackers import EVERY, NEAR, Trackers
from tests.conftest import IMAGES
from tests.fixtures.worker import ROOT

LITE = ROOT / "models" / "pose_landmarker_lite.task"
MEASURED = [7, 8, 11, 12, 23, 24]  # ears, shoulders, hips
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def picture(name):
    return shrunk(cv2.imread(str(IMAGES / f"{name}.jpg")), 960)


ONE = picture("good_1280_000")
OTHER = picture("slouch_1280_002")
NOBODY = picture("empty_1280_006")


class Desk:
    """A camera, and which of its pictures are followed."""

    def __init__(self, most=1, make=None):
        self.alone = Landmarker(LITE)
        self.followed = []
        self.trackers = Trackers(most, make or self.follower)
        self.by_itself = 0
        self.seconds = 0

    def follower(self):
        made = Landmarker(LITE, follows=True)
        find = made.find

        def counted(image):
            self.followed.append(image)
            return find(image)

        made.find = counted
        return made

    def find(self, image):
        self.by_itself += 1
        return self.alone.find(image)

    def see(self, image, after=1.0, pi="desk"):
        self.seconds += after
        at = BEGIN + timedelta(seconds=self.seconds)
        return self.trackers.finder(pi, at, self.find)(image)

    def status(self, image, **when):
        return judge(self.see(image, **when), image.shape[1], image.shape[0]).status


@pytest.fixture
def desk():
    made = Desk()
    yield made
    made.trackers.close()
    made.alone.close()


def points(found):
    return np.array([(each.x, each.y) for each in found])


def test_who_sits_still_is_looked_for_only_now_and_then(desk):
    for _ in range(8):
        found = desk.see(ONE)

    assert desk.by_itself == 1
    assert len(desk.followed) == 7
    apart = np.abs(points(found) - points(desk.alone.find(ONE)))
    assert apart[MEASURED].max() < 0.02


def test_whoever_leaves_comes_and_changes_places_is_judged_as_by_itself(desk):
    scenes = [ONE, ONE, ONE, NOBODY, NOBODY, OTHER, OTHER, OTHER, ONE, ONE, NOBODY]
    for scene in [*scenes, cv2.flip(ONE, 1), cv2.flip(ONE, 1), cv2.flip(ONE, 1)]:
        size = scene.shape[1], scene.shape[0]
        assert desk.status(scene) == judge(desk.alone.find(scene), *size).status
    assert desk.followed


def test_in_every_so_many_pictures_all_of_it_is_looked_at(desk, monkeypatch):
    forgotten = []
    monkeypatch.setattr(Landmarker, "forget", lambda self: forgotten.append(self))
    for _ in range(2 * EVERY + 5):
        desk.see(ONE)

    assert len(forgotten) == 2


def test_a_picture_much_later_or_out_of_order_is_looked_at_by_itself(desk):
    desk.see(ONE)
    desk.see(ONE)
    assert desk.by_itself == 1
    desk.see(ONE, after=NEAR + 1)
    assert desk.by_itself == 2
    desk.see(ONE)
    assert desk.by_itself == 2
    desk.see(ONE, after=-3)
    assert desk.by_itself == 3
    desk.see(ONE, after=4)
    assert desk.by_itself == 3


def test_so_many_cameras_are_followed_and_no_more(desk):
    for pi in ("one", "two") * 4:
        desk.see(ONE, pi=pi)

    assert len(desk.followed) == 3
    assert desk.by_itself == 1 + 4


def test_a_camera_that_sends_no_more_makes_room(desk, monkeypatch):
    for _ in range(3):
        desk.see(ONE, pi="gone")
    monkeypatch.setattr(module, "_ACTIVE", 0.0)
    before = len(desk.followed)
    for _ in range(3):
        desk.see(ONE, pi="new")

    assert len(desk.followed) == before + 2


def test_a_camera_where_it_does_not_pay_is_left_alone(desk, monkeypatch):
    monkeypatch.setattr(module.Tracker, "_certain", lambda self, found: False)
    for _ in range(60):
        desk.see(ONE)

    assert len(desk.followed) < 30


def test_none_is_followed_unless_it_is_wanted():
    trackers = Trackers(0, lambda: pytest.fail("loaded"))

    assert trackers.finder("desk", BEGIN, find := object()) is find


def test_no_more_are_followed_than_the_memory_limit_allows(desk, caplog):
    left = iter([2 << 30, 100 << 20])
    desk.trackers = Trackers(9, desk.follower, memory_left=lambda: next(left))
    for pi in ("one", "two", "three") * 4:
        desk.see(ONE, pi=pi)

    assert len(desk.followed) == 3
    assert caplog.text.count("cameras that are followed: 1, and no more") == 1


def test_a_tracker_that_is_unloaded_begins_anew(desk):
    tracker = module.Tracker(desk.follower)
    for _ in range(4):
        tracker.find(ONE, desk.find)
    assert tracker.loaded
    before = desk.by_itself

    tracker.unload()
    assert not tracker.loaded
    tracker.find(ONE, desk.find)
    assert desk.by_itself == before + 1
    tracker.unload()


def test_a_model_that_cannot_be_loaded_once_more_costs_no_picture(caplog):
    def fails():
        raise ModelError("no memory")

    desk = Desk(make=fails)
    for _ in range(4):
        assert desk.see(ONE)
    assert caplog.text.count("no camera more can be followed: no memory") == 1
    desk.alone.close()
