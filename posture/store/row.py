"""One row of the table."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Row:
    """One row of `posture_log`, but for its id; times are UTC without a zone."""

    pi_id: str
    filename: str
    received_time: datetime
    analyzed_time: datetime
    neck_angle: int | None
    body_angle: int | None
    posture_status: str
    landmarks_detected: bool
    processed_by: str
    reason: str | None = None
    """Why nobody was judged, None where somebody was."""
    view: str | None = None
    yaw: int | None = None
    """Degrees: 90 from the side, 0 from front or back."""
    rotate: int | None = None
    """Degrees clockwise that would make a turned picture upright; never stored."""
    neck_limit: int | None = None
    body_limit: int | None = None
    """The camera's own limits, None where the usual ones count; never stored."""


NEVER_STORED = ("rotate", "neck_limit", "body_limit")
