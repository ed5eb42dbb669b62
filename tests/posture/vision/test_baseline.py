"""What pictures of somebody who sits well give, and when they give nothing."""

import pytest

from posture.vision.baseline import Baseline, NoBaselineError, baseline_of
from posture.vision.verdict import judge
from tests.fixtures.pose import HEIGHT, WIDTH, pose

STEADY = [(28, 9), (30, 10), (31, 8), (29, 9), (30, 9), (30, 9)]


def test_it_is_the_median_and_an_odd_picture_does_not_count():
    assert baseline_of(STEADY, 6) == Baseline(30, 9)
    assert baseline_of([*STEADY, (70, 40)], 8) == Baseline(30, 9)


@pytest.mark.parametrize(
    ("angles", "pictures", "why"),
    [
        pytest.param([], 10, "only 0 of 10", id="none judged"),
        pytest.param(STEADY[:4], 4, "only 4 of 4", id="too few"),
        pytest.param(STEADY, 13, "only 6 of 13", id="most not judged"),
        pytest.param(
            [(neck, 5) for neck in (10, 15, 20, 30, 40, 45)],
            *(6, "disagree: the neck reads from 10 to 45"),
            id="neck moves",
        ),
        pytest.param(
            [(20, body) for body in (0, 0, 10, 20, 24, 24)],
            *(6, "disagree: the body reads from 0 to 24"),
            id="body moves",
        ),
        pytest.param([(51, 5)] * 6, 6, "is not upright", id="neck bent"),
        pytest.param([(20, 26)] * 6, 6, "is not upright", id="body bent"),
    ],
)
def test_what_gives_none_is_refused_with_the_reason(angles, pictures, why):
    with pytest.raises(NoBaselineError, match=why):
        baseline_of(angles, pictures)


def judged(neck, body, baseline, preset="nearest"):
    verdict = judge(pose(neck, body), WIDTH, HEIGHT, preset, baseline=baseline)
    return verdict.status


@pytest.mark.parametrize(
    ("baseline", "neck", "body", "status"),
    [
        pytest.param(Baseline(20, 5), 39, 19, "Good", id="the usual one, below"),
        pytest.param(Baseline(20, 5), 40, 0, "Bad", id="the usual one, neck"),
        pytest.param(Baseline(20, 5), 0, 20, "Bad", id="the usual one, body"),
        pytest.param(Baseline(32, 9), 51, 23, "Good", id="reads more upright"),
        pytest.param(Baseline(32, 9), 52, 0, "Bad", id="more, and leans"),
        pytest.param(Baseline(5, 0), 24, 14, "Good", id="reads less upright"),
        pytest.param(Baseline(5, 0), 25, 0, "Bad", id="less, and leans"),
    ],
)
def test_with_a_baseline_its_limits_count(baseline, neck, body, status):
    assert judged(neck, body, baseline) == status


def test_legacy_knows_no_baseline():
    assert judged(49, 19, Baseline(5, 0), "legacy") == "Good"
