"""What to do where pictures are not judged, in words for whoever mounts the camera."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from posture.vision.reason import Reason

SHORT: dict[str, str] = {
    Reason.NOBODY: "Nobody in sight",
    Reason.TURNED: "The picture is turned",
    Reason.NOT_FROM_THE_SIDE: "Not seen from the side",
    Reason.VIEW_UNKNOWN: "View unknown",
    Reason.EAR: "Ear not in sight",
    Reason.SHOULDER: "Shoulder not in sight",
    Reason.HIP: "Hip not in sight",
    Reason.TOO_SMALL: "Too small",
    Reason.FEW_LANDMARKS: "Too few landmarks",
}
_REMEDIES: dict[str, str] = {
    Reason.VIEW_UNKNOWN: "the model cannot tell the view: try a brighter, larger "
    "picture of one person",
    Reason.EAR: "the ear is hidden or outside: lower the camera to the height of the "
    "shoulder, or move it away until the head is in the picture",
    Reason.SHOULDER: "the shoulder is hidden or outside: move the camera away, or to "
    "the other side",
    Reason.HIP: "the hips are hidden: raise the camera, or move it behind the desk, "
    "until it sees the seat",
    Reason.TOO_SMALL: "the person is too small: move the camera nearer, or name the "
    "part of the picture in REGION",
    Reason.FEW_LANDMARKS: "few landmarks are certain: PRESET=nearest asks for less",
}
_FEWEST = 5  # pictures with a person before anything is said
_SQUARE = 90


@dataclass(frozen=True)
class Seen:
    """What one picture of a camera gave."""

    reason: str | None
    """None where somebody was judged."""
    yaw: int | None = None
    rotate: int | None = None


def short(reason: str | None) -> str:
    """A reason in a few words; one that is not ours as it is."""
    return SHORT.get(reason, reason) if reason else ""


def remedy(
    pi: str, reason: str, yaw: int | None = None, rotate: int | None = None
) -> str:
    """What to do about a reason; empty where nothing is to be done."""
    if reason == Reason.TURNED:
        name, degrees = f"{pi}=" if pi else "", rotate or 180
        unknown = "" if rotate else " (or 90 or 270: its log says which)"
        return (
            f"the picture is turned: set ROTATE={name}{degrees} for the worker{unknown}"
        )
    if reason == Reason.NOT_FROM_THE_SIDE:
        by = "" if yaw is None else f" by about {round(_SQUARE - yaw, -1)} degrees"
        return (
            "the person is not seen from the side: move the camera round the "
            f"person{by}"
        )
    return _REMEDIES.get(reason, "")


def advise(pi: str, last: Sequence[Seen]) -> str:
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
    return remedy(pi, reason, yaw, rotate)
