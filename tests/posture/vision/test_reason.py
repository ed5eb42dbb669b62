"""Who is not judged, why, and where the limits are."""

import dataclasses

import pytest

from posture.vision.landmark import World
from posture.vision.limits import measured_limits
from posture.vision.verdict import Status, judge
from tests.fixtures.pose import HEIGHT, WIDTH, pose


def verdict_on(landmarks, **limits):
    chosen = dataclasses.replace(measured_limits(), **limits)
    return judge(landmarks, WIDTH, HEIGHT, limits=chosen)


def test_somebody_from_the_side_is_judged_without_a_reason():
    verdict = verdict_on(pose(12, 7))

    assert verdict.reason is None
    assert (verdict.view, verdict.yaw, verdict.confidence) == ("side", 90, 1.0)


@pytest.mark.parametrize(
    ("yaw", "facing", "view"),
    [
        (90, True, "side"),
        (60.01, True, "side"),
        (59, True, "oblique"),
        (40.01, False, "oblique"),
        (39, True, "front"),
        (0, True, "front"),
        (39, False, "back"),
        (0, False, "back"),
    ],
)
def test_the_view_is_told_and_front_and_back_are_not_judged(yaw, facing, view):
    verdict = verdict_on(pose(12, 7, yaw=yaw, facing=facing))

    assert (verdict.view, verdict.yaw) == (view, round(yaw))
    if view in ("front", "back"):
        assert (verdict.status, verdict.neck) == (Status.PARTIAL, None)
        assert verdict.reason == "not_from_the_side"
    else:
        assert verdict.measured


def test_hips_that_are_made_up_as_from_the_side_do_not_hide_a_front():
    landmarks = pose(12, 7, yaw=20)
    from_side = pose(12, 7, yaw=90)
    landmarks[23:25] = from_side[23:25]

    assert verdict_on(landmarks).yaw == 20


@pytest.mark.parametrize(
    ("body", "rotate"), [(180, 180), (90, 270), (-90, 90), (76, 270), (-100, 90)]
)
def test_a_turned_picture_is_not_judged_and_says_how_to_turn_it(body, rotate):
    landmarks = [
        each._replace(x=0.5 + (each.x - 0.5) / 2, y=0.5 + (each.y - 0.9) / 2)
        for each in pose(body, body)
    ]  # so small that whoever is upside down is in the picture

    verdict = verdict_on(landmarks)

    assert (verdict.status, verdict.reason) == (Status.PARTIAL, "turned")
    assert verdict.rotate == rotate
    assert verdict.body is None


@pytest.mark.parametrize("body", [61, 74, -70])
def test_a_body_that_leans_further_than_anybody_has_a_hip_that_is_made_up(body):
    verdict = verdict_on(pose(30, body))

    assert (verdict.reason, verdict.rotate) == ("hip_not_in_sight", None)


def test_an_uncertain_hip_makes_no_turned_picture():
    landmarks = pose(30, 80)
    landmarks[23] = landmarks[23]._replace(presence=0.5)

    assert verdict_on(landmarks).reason == "hip_not_in_sight"


def test_a_head_below_its_shoulders_counts_as_not_in_sight():
    assert verdict_on(pose(91, 10)).reason == "ear_not_in_sight"


@pytest.mark.parametrize("part", ["visibility", "presence"])
def test_a_hip_of_which_the_model_is_not_certain_counts_as_not_in_sight(part):
    landmarks = pose(12, 7)
    landmarks[23] = landmarks[23]._replace(**{part: 0.95})

    assert verdict_on(landmarks).reason == "hip_not_in_sight"
    assert verdict_on(landmarks, hip=0.5).measured


@pytest.mark.parametrize(
    ("model", "certain", "judged"),
    [
        ("lite", 0.89, False),
        ("lite", 0.91, True),
        ("full", 0.95, False),
        ("full", 0.97, True),
        ("heavy", 0.95, False),
        ("heavy", 0.97, True),
    ],
)
def test_how_certain_of_a_hip_depends_on_the_model_unless_it_is_set(
    model, certain, judged
):
    landmarks = pose(12, 7)
    landmarks[23] = landmarks[23]._replace(visibility=certain)
    limits = measured_limits().for_model(model)
    set_by_hand = dataclasses.replace(measured_limits(), hip=0.5).for_model(model)

    assert judge(landmarks, WIDTH, HEIGHT, limits=limits).measured is judged
    assert judge(landmarks, WIDTH, HEIGHT, limits=set_by_hand).measured


@pytest.mark.parametrize(
    "landmarks",
    [
        pytest.param(pose(12, 7, thigh=59), id="knees far above the hips"),
        pytest.param(pose(12, 7, lean=31), id="a trunk that falls over"),
        pytest.param(pose(12, 7, lean=-31), id="to the other side"),
    ],
)
def test_a_hip_where_no_sitting_person_has_it_counts_as_not_in_sight(landmarks):
    assert verdict_on(landmarks).reason == "hip_not_in_sight"


@pytest.mark.parametrize(("length", "judged"), [(0.7, False), (0.8, True)])
def test_an_upright_trunk_that_is_hardly_longer_than_the_neck_has_a_hidden_hip(
    length, judged
):
    landmarks = pose(0, 0)
    for hip, shoulder in ((23, 11), (24, 12)):
        y = landmarks[shoulder].y
        nearer = y + (landmarks[hip].y - y) * length
        landmarks[hip] = landmarks[hip]._replace(y=nearer)

    assert verdict_on(landmarks).measured is judged


def test_legs_that_hang_or_stand_are_no_hidden_hip():
    for thigh in (61, 90, 120, 180):
        assert verdict_on(pose(12, 7, thigh=thigh)).measured


def test_a_person_of_a_few_pixels_is_too_small():
    landmarks = [
        each._replace(x=0.5 + (each.x - 0.5) / 20, y=0.5 + (each.y - 0.5) / 20)
        for each in pose(12, 7)
    ]

    assert verdict_on(landmarks).reason == "too_small"


@pytest.mark.parametrize(
    "world", [None, World(float("nan"), 0, 0), World(0, 0, float("inf"))], ids=str
)
@pytest.mark.parametrize("number", [11, 12, 23, 24])
def test_without_a_place_in_space_the_view_is_unknown_and_nobody_is_judged(
    world, number
):
    landmarks = pose(12, 7)
    landmarks[number] = landmarks[number]._replace(world=world)

    verdict = verdict_on(landmarks)

    assert (verdict.status, verdict.reason) == (Status.PARTIAL, "view_unknown")
    assert (verdict.view, verdict.yaw) == (None, None)


def test_the_limits_are_settings():
    assert verdict_on(pose(12, 7, yaw=39), yaw=30).measured
    assert verdict_on(pose(12, 61), body=70).measured
    assert not verdict_on(pose(12, 7, yaw=70), yaw=75).measured
