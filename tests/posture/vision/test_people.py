"""Whom of several people is measured."""

import cv2
import numpy as np
import pytest

from posture.vision.analyze import Rules, analyze
from posture.vision.landmarks import Landmarker
from posture.vision.people import PEOPLE, SeveralPeopleError, the_one
from tests.conftest import IMAGES
from tests.fixtures.images import file_of
from tests.fixtures.pose import HEIGHT, WIDTH, pose
from tests.fixtures.worker import ROOT

LITE = ROOT / "models" / "pose_landmarker_lite.task"
SIZE = (WIDTH, HEIGHT)


def smaller(person, share):
    return [each._replace(x=each.x * share, y=each.y * share) for each in person]


NEAR = pose(20, 5)
FAR = smaller(NEAR, 0.4)
BESIDE = smaller(NEAR, 0.8)


@pytest.mark.parametrize("people", PEOPLE)
def test_one_person_is_measured_whatever_is_asked_for(people):
    assert the_one([NEAR], people, SIZE) is NEAR
    assert the_one([], people, SIZE) == []


def test_any_is_whom_the_model_is_surest_of_and_nearest_the_largest():
    assert the_one([FAR, NEAR], "any", SIZE) is FAR
    assert the_one([FAR, NEAR], "nearest", SIZE) is NEAR


def test_alone_is_somebody_with_nobody_beside_but_with_people_far_behind():
    assert the_one([FAR, NEAR], "alone", SIZE) is NEAR
    with pytest.raises(SeveralPeopleError):
        the_one([BESIDE, NEAR], "alone", SIZE)


def beside_each_other(path):
    """The middle of a picture twice."""
    image = cv2.imread(str(path))
    middle = image[:, image.shape[1] // 5 : -image.shape[1] // 5]
    return file_of(np.hstack([middle, middle]), ".png")


@pytest.fixture(scope="module")
def verdicts():
    """What is said of one and of two people, by what is asked for."""
    path = IMAGES / "good_1280_000.jpg"
    one, two = path.read_bytes(), beside_each_other(path)
    found = {}
    for people in PEOPLE:
        landmarker = Landmarker(LITE, people=people)
        found[people, 1] = analyze(one, landmarker.find, Rules()).verdict
        found[people, 2] = analyze(two, landmarker.find, Rules()).verdict
        landmarker.close()
    return found


def test_two_people_side_by_side_are_not_judged_where_one_is_to_be_alone(verdicts):
    assert verdicts["alone", 2].reason == "several_people"
    assert verdicts["any", 2].status == verdicts["nearest", 2].status == "Good"


def test_one_person_reads_the_same_whatever_is_asked_for(verdicts):
    assert verdicts["any", 1] == verdicts["nearest", 1] == verdicts["alone", 1]
