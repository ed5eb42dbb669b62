"""What to do where pictures are not judged, in words for whoever mounts the camera."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.messages import marked
from posture.vision.reason import Reason

SHORT: dict[str, str] = {
    Reason.NOBODY: marked("Nobody in sight"),
    Reason.TURNED: marked("The picture is turned"),
    Reason.NOT_FROM_THE_SIDE: marked("Not seen from the side"),
    Reason.VIEW_UNKNOWN: marked("View unknown"),
    Reason.EAR: marked("Ear not in sight"),
    Reason.SHOULDER: marked("Shoulder not in sight"),
    Reason.HIP: marked("Hip not in sight"),
    Reason.TOO_SMALL: marked("Too small"),
    Reason.SEVERAL: marked("Several people"),
    Reason.FEW_LANDMARKS: marked("Too few landmarks"),
}
_REMEDIES: dict[str, str] = {
    Reason.VIEW_UNKNOWN: marked(
        "the model cannot tell the view: try a brighter, larger picture of one person"
    ),
    Reason.EAR: marked(
        "the ear is hidden or outside: lower the camera to the height of the "
        "shoulder, or move it away until the head is in the picture"
    ),
    Reason.SHOULDER: marked(
        "the shoulder is hidden or outside: move the camera away, or to the other side"
    ),
    Reason.HIP: marked(
        "the hips are hidden: raise the camera, or move it behind the desk, until it "
        "sees the seat"
    ),
    Reason.TOO_SMALL: marked(
        "the person is too small: move the camera nearer, or name the part of the "
        "picture in REGION"
    ),
    Reason.SEVERAL: marked(
        "several people are in sight: name the part of the picture with the person in "
        "REGION, or turn the camera until one is left"
    ),
    Reason.FEW_LANDMARKS: marked(
        "few landmarks are certain: PRESET=nearest asks for less"
    ),
}
_TURNED = marked("the picture is turned: set ROTATE=%(rotate)s for the worker")
_TURNED_SOMEHOW = marked(
    "the picture is turned: set ROTATE=%(rotate)s for the worker (or 90 or 270: its "
    "log says which)"
)
_ROUND = marked(
    "the person is not seen from the side: move the camera round the person"
)
_ROUND_BY = marked(
    "the person is not seen from the side: move the camera round the person by about "
    "%(degrees)s degrees"
)
Translate = Callable[[str], str]
"""Gives a message in another language."""

_FEWEST = 5  # pictures with a person before anything is said
_SQUARE = 90


@dataclass(frozen=True)
class Seen:
    """What one picture of a camera gave."""

    reason: str | None
    """None where somebody was judged."""
    yaw: int | None = None
    rotate: int | None = None


def short(reason: str | None, translate: Translate = str) -> str:
    """A reason in a few words; one that is not ours as it is."""
    if reason in SHORT:
        return translate(SHORT[reason])
    return reason or ""


def remedy(
    pi: str,
    reason: str,
    yaw: int | None = None,
    rotate: int | None = None,
    translate: Translate = str,
) -> str:
    """What to do about a reason; empty where nothing is to be done."""
    if reason == Reason.TURNED:
        value = f"{pi}={rotate or 180}" if pi else f"{rotate or 180}"
        return translate(_TURNED if rotate else _TURNED_SOMEHOW) % {"rotate": value}
    if reason == Reason.NOT_FROM_THE_SIDE:
        if yaw is None:
            return translate(_ROUND)
        return translate(_ROUND_BY) % {"degrees": round(_SQUARE - yaw, -1)}
    return translate(_REMEDIES[reason]) if reason in _REMEDIES else ""


def advise(pi: str, last: Sequence[Seen], translate: Translate = str) -> str:
    """What to do about a camera, by its last pictures; empty while most are judged.

    Pictures with nobody on them say nothing about a camera.
    """
    seen = [each for each in last if each.reason != Reason.NOBODY]
    reasons = Counter(each.reason for each in seen if each.reason)
    if len(seen) < _FEWEST or 2 * reasons.total() <= len(seen):
        return ""
    reason = reasons.most_common(1)[0][0]
    those = [each for each in seen if each.reason == reason]
    yaws = sorted(each.yaw for each in those if each.yaw is not None)
    turns = Counter(each.rotate for each in those if each.rotate is not None)
    yaw = yaws[len(yaws) // 2] if yaws else None
    rotate = turns.most_common(1)[0][0] if turns else None
    return remedy(pi, reason, yaw, rotate, translate)
