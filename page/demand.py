"""What the scaler wants, and why, in words. Pure rules."""

from dataclasses import dataclass

from common.messages import marked
from page.metrics import Told
from page.words import gettext as _

_PREFIX = "posture_scaler_"
_WORDS = {
    "waiting": marked("pictures may be waiting, and the GPU is free"),
    "idle": marked("no pictures are waiting, or a worker takes care of them"),
    "busy": marked("the GPU of the chosen node is busy"),
    "moving": marked("the ScaledJob has only just moved to its node"),
    "not_moved": marked("the ScaledJob is not yet on the chosen node"),
    "no_node": marked("no node can be chosen"),
    "unknown": marked("what it needs to know is too old"),
}


@dataclass(frozen=True)
class Demand:
    """The scaler's last answer to KEDA."""

    jobs: int | None
    """None when it could not be told."""

    reason: str
    backlog: int | None
    """Messages that the broker says it keeps; None when it does not say."""

    errors: int
    """Calls by KEDA that failed since the scaler's start."""


def demand_of(told: Told) -> Demand:
    """The last answer."""
    kind = next((s.labels["reason"] for s in told.each(f"{_PREFIX}reason")), "")
    return Demand(
        _whole(told.value(f"{_PREFIX}wanted_jobs")) if kind else None,
        _reason(kind),
        _whole(told.value(f"{_PREFIX}backlog_messages")),
        told.total(f"{_PREFIX}errors_total"),
    )


def _reason(kind: str) -> str:
    if not kind:
        return _("KEDA has not asked yet")
    return _(_WORDS[kind]) if kind in _WORDS else kind


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
