"""What the person who mounts a camera is told."""

import pytest

from posture.vision.advice import SHORT, Seen, advise, remedy, short
from posture.vision.reason import Reason

JUDGED, NOBODY = Seen(None, 80), Seen(Reason.NOBODY)


def test_every_reason_has_words_and_all_but_nobody_a_remedy():
    assert set(SHORT) == set(Reason)
    for reason in set(Reason) - {Reason.NOBODY}:
        assert remedy("desk3", reason)
    assert remedy("desk3", Reason.NOBODY) == ""
    assert short(None) == ""
    assert short("a reason of a later version") == "a reason of a later version"


def test_a_turned_camera_is_told_its_setting():
    last = [Seen(Reason.TURNED, rotate=90)] * 9 + [JUDGED]

    assert "ROTATE=desk3=90" in advise("desk3", last)


def test_a_camera_in_front_is_told_how_far_to_go_round():
    last = [Seen(Reason.NOT_FROM_THE_SIDE, yaw) for yaw in (10, 28, 31, 33, 39)]

    assert "by about 60 degrees" in advise("desk3", last)


def test_the_most_frequent_reason_is_the_one_that_is_told():
    last = [Seen(Reason.EAR)] * 3 + [Seen(Reason.HIP)] * 4 + [JUDGED]

    assert "hips are hidden" in advise("desk3", last)


@pytest.mark.parametrize(
    "last",
    [
        pytest.param([], id="no pictures"),
        pytest.param([Seen(Reason.HIP)] * 4, id="too few"),
        pytest.param([Seen(Reason.HIP)] * 5 + [JUDGED] * 5, id="half are judged"),
        pytest.param([NOBODY] * 20, id="nobody is there"),
        pytest.param([NOBODY] * 16 + [Seen(Reason.HIP)] * 4, id="hardly anybody"),
    ],
)
def test_nothing_is_said_without_cause(last):
    assert advise("desk3", last) == ""
