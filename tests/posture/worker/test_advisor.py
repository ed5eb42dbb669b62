"""The worker's log names what is wrong with a camera."""

import logging

from posture.vision.reason import Reason
from posture.vision.verdict import Status, Verdict
from posture.worker.advisor import Advisor

TURNED = Verdict(Status.PARTIAL, reason=Reason.TURNED, rotate=180)
HIDDEN = Verdict(Status.PARTIAL, reason=Reason.HIP)
GOOD = Verdict(Status.GOOD, 12, 7, "left")


def test_a_turned_camera_is_named_once_with_its_setting(caplog):
    advisor = Advisor()
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            advisor.see("desk3", TURNED)
            advisor.see("desk4", GOOD)

    (said,) = caplog.messages
    assert said == (
        "most pictures of desk3 cannot be judged: the picture is turned: set "
        "ROTATE=desk3=180 for the worker"
    )


def test_what_changes_is_told_again(caplog):
    advisor = Advisor()
    for verdict in (TURNED, HIDDEN, GOOD, HIDDEN):
        for _ in range(30):
            advisor.see("desk3", verdict)

    assert [("turned" in said, "hips" in said) for said in caplog.messages] == [
        (True, False),
        (False, True),
        (False, True),
    ]
