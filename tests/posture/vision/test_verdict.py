import pytest

from posture.vision.landmark import POINTS, nearest_side
from posture.vision.verdict import Status, Verdict, judge
from tests.fixtures.pose import HEIGHT, WIDTH, pose


def verdict_on(landmarks, preset="nearest"):
    return judge(landmarks, WIDTH, HEIGHT, preset)


def angles_on(landmarks, preset="nearest"):
    verdict = verdict_on(landmarks, preset)
    return verdict.status, verdict.neck, verdict.body, verdict.side


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
        pytest.param(90, 60, "Bad", id="as far as anybody leans"),
    ],
)
def test_nearest_calls_it_good_below_40_and_20_degrees(neck, body, status):
    assert angles_on(pose(neck, body)) == (
        Status(status),
        round(abs(neck)),
        round(abs(body)),
        "left",
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


@pytest.mark.parametrize(
    "landmarks",
    [
        pytest.param(pose(30, 5, yaw=0), id="from the front"),
        pytest.param(pose(30, 5, thigh=0), id="knees above the hips"),
        pytest.param(pose(30, 5, far=(60, 60)), id="another far side"),
        pytest.param([each._replace(world=None) for each in pose(30, 5)], id="flat"),
    ],
)
def test_legacy_asks_for_nothing_that_the_original_did_not_ask_for(landmarks):
    assert angles_on(landmarks, "legacy") == (Status.GOOD, 30, 5, "left")


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_side_nearer_to_the_camera_is_measured(side):
    assert angles_on(pose(12, 7, near=side))[1:] == (12, 7, side)


def test_a_quarter_of_the_far_side_is_in_what_is_measured():
    _, neck, body, _ = angles_on(pose(0, 0, far=(0, 60)))

    assert 0 < body < 60 / 4 + 1
    assert neck == 0


def test_legacy_always_measures_the_left_side():
    verdict = angles_on(pose(12, 7, near="right", far=(60, 60)), "legacy")

    assert verdict[1:] == (60, 60, "left")


def test_the_left_side_is_measured_when_both_are_equally_near():
    level = [each._replace(z=0.1) for each in pose()]

    assert nearest_side(level) == "left"


def test_nobody_in_the_picture_gives_no_angles():
    verdict = verdict_on([])

    assert verdict == Verdict(Status.NONE, reason="nobody")
    assert (verdict.neck, verdict.body, verdict.side) == (None, None, None)


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
def test_a_point_that_is_not_seen_leaves_both_angles_unknown_and_is_named(
    number, values
):
    verdict = verdict_on(changed(pose(12, 7), number, **values))

    assert (verdict.status, verdict.neck, verdict.body) == (Status.PARTIAL, None, None)
    words = dict(zip(POINTS["left"], ("ear", "shoulder", "hip"), strict=True))
    assert verdict.reason == f"{words[number]}_not_in_sight"
    assert not verdict.measured


@pytest.mark.parametrize("values", [{"visibility": 0.5}, {"x": 0.45}])
def test_a_point_at_the_limit_of_sight_counts(values):
    assert verdict_on(changed(pose(), 7, **values)).measured


@pytest.mark.parametrize("place", [{"x": -3}, {"y": 1.2}, {"x": float("nan")}])
def test_a_hidden_far_side_does_not_matter(place):
    landmarks = pose(12, 7, near="right")
    for number in POINTS["left"]:
        changed(landmarks, number, visibility=0.0, **place)

    assert angles_on(landmarks) == (Status.GOOD, 12, 7, "right")


@pytest.mark.parametrize(("seen", "measured"), [(20, True), (19, False)])
def test_legacy_wants_20_landmarks_seen_with_certainty(seen, measured):
    landmarks = pose(30, 5, visibility=0.89)
    for number in range(seen):
        changed(landmarks, number, visibility=0.9)

    verdict = verdict_on(landmarks, "legacy")

    assert verdict.measured is measured
    assert verdict.reason == (None if measured else "too_few_landmarks")


@pytest.mark.parametrize("preset", ["nearest", "legacy"])
@pytest.mark.parametrize(
    ("one", "other"), [pytest.param(7, 11, id="neck"), pytest.param(11, 23, id="body")]
)
def test_points_that_coincide_give_unknown_and_not_0(preset, one, other):
    landmarks = pose(30, 5)
    for side in (0, 1):  # of both sides, for both are in what is measured
        place = landmarks[other + side]
        changed(landmarks, one + side, x=place.x, y=place.y)

    verdict = verdict_on(landmarks, preset)

    assert (verdict.status, verdict.neck, verdict.body) == (Status.PARTIAL, None, None)


def test_an_upright_person_is_0_degrees_and_not_unknown():
    verdict = verdict_on(pose(0, 0))

    assert (verdict.neck, verdict.body, verdict.measured) == (0, 0, True)
