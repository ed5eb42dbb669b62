import pytest

from posture.vision.verdict import POINTS, Status, Verdict, judge, nearest_side
from tests.fixtures.pose import HEIGHT, WIDTH, pose


def verdict_on(landmarks, preset="nearest"):
    return judge(landmarks, WIDTH, HEIGHT, preset)


def changed(landmarks, number, **values):
    """The same landmarks, but for one."""
    landmarks[number] = landmarks[number]._replace(**values)
    return landmarks


@pytest.mark.parametrize(
    ("neck", "body", "status"),
    [
        pytest.param(0, 0, "Good", id="upright"),
        pytest.param(39, 19, "Good", id="just below both limits"),
        pytest.param(40, 0, "Bad", id="neck at its limit"),
        pytest.param(0, 20, "Bad", id="body at its limit"),
        pytest.param(39.4, 0, "Good", id="rounded down below the limit"),
        pytest.param(39.6, 0, "Bad", id="rounded up to the limit"),
        pytest.param(-39, -19, "Good", id="leaning the other way"),
        pytest.param(180, 0, "Bad", id="head upside down"),
    ],
)
def test_nearest_calls_it_good_below_40_and_20_degrees(neck, body, status):
    verdict = verdict_on(pose(neck, body))

    assert verdict == Verdict(
        Status(status), round(abs(neck)), round(abs(body)), "left"
    )


@pytest.mark.parametrize(
    ("neck", "body", "status"),
    [
        pytest.param(10, 0, "Bad", id="neck at its lower limit"),
        pytest.param(11, 0, "Good", id="neck above its lower limit"),
        pytest.param(49, 19, "Good", id="just below both limits"),
        pytest.param(50, 0, "Bad", id="neck at its upper limit"),
        pytest.param(30, 20, "Bad", id="body at its limit"),
    ],
)
def test_legacy_calls_it_good_between_10_and_50_and_below_20_degrees(
    neck, body, status
):
    assert verdict_on(pose(neck, body), "legacy").status == status


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_side_nearer_to_the_camera_is_measured(side):
    verdict = verdict_on(pose(12, 7, near=side))

    assert (verdict.side, verdict.neck, verdict.body) == (side, 12, 7)


def test_legacy_always_measures_the_left_side():
    verdict = verdict_on(pose(12, 7, near="right"), "legacy")

    assert (verdict.side, verdict.neck, verdict.body) == ("left", 60, 60)


def test_the_left_side_is_measured_when_both_are_equally_near():
    level = [each._replace(z=0.1) for each in pose()]

    assert nearest_side(level) == "left"


def test_nobody_in_the_picture_gives_no_angles():
    assert verdict_on([]) == Verdict(Status.NONE, neck=None, body=None, side=None)


@pytest.mark.parametrize("number", POINTS["left"])
@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"visibility": 0.49}, id="nearly invisible"),
        pytest.param({"x": -0.001}, id="left of the picture"),
        pytest.param({"x": 1.001}, id="right of the picture"),
        pytest.param({"y": -0.001}, id="above the picture"),
        pytest.param({"y": 1.001}, id="below the picture"),
        pytest.param({"x": float("nan")}, id="no number"),
        pytest.param({"visibility": float("nan")}, id="no visibility"),
    ],
)
def test_a_point_that_is_not_seen_leaves_both_angles_unknown(number, values):
    verdict = verdict_on(changed(pose(12, 7), number, **values))

    assert verdict == Verdict(Status.PARTIAL, neck=None, body=None, side="left")
    assert not verdict.measured


@pytest.mark.parametrize("values", [{"visibility": 0.5}, {"x": 0.0}, {"y": 1.0}])
def test_a_point_at_the_limit_of_sight_counts(values):
    assert verdict_on(changed(pose(), 7, **values)).measured


def test_a_hidden_far_side_does_not_matter():
    landmarks = pose(12, 7, near="right")
    for number in POINTS["left"]:
        changed(landmarks, number, visibility=0.0, x=-3)

    assert verdict_on(landmarks) == Verdict(Status.GOOD, 12, 7, "right")


@pytest.mark.parametrize(("seen", "measured"), [(20, True), (19, False)])
def test_legacy_wants_20_landmarks_seen_with_certainty(seen, measured):
    landmarks = pose(30, 5, visibility=0.89)
    for number in range(seen):
        changed(landmarks, number, visibility=0.9)

    assert verdict_on(landmarks, "legacy").measured is measured


@pytest.mark.parametrize("preset", ["nearest", "legacy"])
@pytest.mark.parametrize(
    ("one", "other"), [pytest.param(7, 11, id="neck"), pytest.param(11, 23, id="body")]
)
def test_points_that_coincide_give_unknown_and_not_0(preset, one, other):
    landmarks = pose(30, 5)
    changed(landmarks, one, x=landmarks[other].x, y=landmarks[other].y)

    verdict = verdict_on(landmarks, preset)

    assert (verdict.status, verdict.neck, verdict.body) == (Status.PARTIAL, None, None)


def test_an_upright_person_is_0_degrees_and_not_unknown():
    verdict = verdict_on(pose(0, 0))

    assert (verdict.neck, verdict.body, verdict.measured) == (0, 0, True)
