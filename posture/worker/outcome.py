"""What the analysts hand to the recorder, and what becomes of it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from posture.mqtt.message import Message
from posture.store.camera_folders import File
from posture.store.row import Row
from posture.vision.analyze import Analysis
from posture.vision.verdict import Verdict
from posture.worker.dedup import Known

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """A message that is analyzed, with the picture and the row to be kept.

    The row names a picture also when it is empty, so that none is to be kept: the name
    is how a message is recognised that comes again.
    """

    message: Message
    key: str
    row: Row
    analysis: Analysis
    since: float
    """Moment (`time.monotonic`) since which another may have written the row."""
    seconds: float
    """Time that the analysis took."""
    unchanged: bool = False
    """The landmarks are those of the camera's picture before (UNCHANGED)."""

    @property
    def file(self) -> File:
        """The annotated picture; by its time it is found when its row is gone."""
        received = self.row.received_time.replace(tzinfo=UTC)
        return File(
            self.row.pi_id,
            self.row.filename,
            self.analysis.picture,
            received.timestamp(),
        )

    def say(self) -> None:
        """Log it."""
        row, verdict = self.row, self.analysis.verdict
        facts = {
            "reason": verdict.reason,
            "rotate": verdict.rotate,
            "neck": verdict.neck,
            "body": verdict.body,
            "neck_limit": row.neck_limit,
            "body_limit": row.body_limit,
            "side": verdict.side,
            "view": verdict.view,
            "yaw": verdict.yaw,
            "confidence": verdict.confidence,
            "unchanged": "yes" if self.unchanged else None,
        }
        told = [f" {name}={fact}" for name, fact in facts.items() if fact is not None]
        log.info(
            "analyzed pi=%s status=%s%s ms=%.0f file=%s",
            row.pi_id,
            row.posture_status,
            "".join(told),
            self.seconds * 1000,
            row.filename,
        )


@dataclass(frozen=True)
class Repeated:
    """A message that comes again, and the row that it should have."""

    message: Message
    filename: str
    known: Known


@dataclass(frozen=True)
class Outcome:
    """Who hears what became of a message, in the recorder's thread."""

    done: Callable[[Message], None]
    """It is written: acknowledge it."""
    refuse: Callable[[Message, str, str], None]
    """It is refused for good, with its reason and the kind of it."""
    recorded: Callable[[Sequence[Row]], None] | None = None
    """These rows are new in the table; whoever hears it must not wait."""
    saved: Callable[[int, int], None] | None = None
    """So many files of so many bytes are on disk; whoever hears it must not wait."""
    lost: Callable[[Message], None] | None = None
    """The row that it should have is not in the table: to be analyzed again."""


def row_of(
    message: Message, pi: str, filename: str, verdict: Verdict, node: str
) -> Row:
    """The row of a message of this camera that was analyzed on `node`."""
    baseline = verdict.baseline
    neck_limit, body_limit = baseline.limits if baseline else (None, None)
    return Row(
        pi_id=pi,
        filename=filename,
        received_time=message.received.replace(tzinfo=None),
        analyzed_time=datetime.now(UTC).replace(tzinfo=None),
        neck_angle=verdict.neck,
        body_angle=verdict.body,
        posture_status=verdict.status.value,
        landmarks_detected=verdict.measured,
        processed_by=node,
        reason=verdict.reason,
        view=verdict.view,
        yaw=verdict.yaw,
        rotate=verdict.rotate,
        neck_limit=neck_limit,
        body_limit=body_limit,
    )
