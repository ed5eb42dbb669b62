"""What the scaler wants, and why, in words. Pure rules."""

from dataclasses import dataclass

from page.metrics import Told

_PREFIX = "posture_scaler_"
_WORDS = {
    "waiting": "pictures may be waiting, and the GPU is free",
    "idle": "no pictures are waiting, or a worker takes care of them",
    "busy": "the GPU of the chosen node is busy",
    "moving": "the ScaledJob has only just moved to its node",
    "not_moved": "the ScaledJob is not yet on the chosen node",
    "no_node": "no node can be chosen",
    "unknown": "what it needs to know is too old",
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
        _WORDS.get(kind, kind) or "KEDA has not asked yet",
        _whole(told.value(f"{_PREFIX}backlog_messages")),
        told.total(f"{_PREFIX}errors_total"),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
