"""A row as others read it: JSON under a topic of its camera."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from posture.store.row import Row

SCHEMA = 1
"""Version of the document; a change that breaks readers makes it 2."""

_LONGEST = 4096  # bytes of a document that is worth reading


@dataclass(frozen=True, order=True)
class Document:
    """What is published of one row; the greater one is the newer one."""

    received: datetime
    filename: str
    payload: bytes = field(repr=False)


def document(row: Row) -> Document:
    """The document of a row: its columns, times in ISO 8601 with a Z for UTC."""
    content = {
        "schema": SCHEMA,
        "pi": row.pi_id,
        "status": row.posture_status,
        "neck_angle": row.neck_angle,
        "body_angle": row.body_angle,
        "neck_limit": row.neck_limit,
        "body_limit": row.body_limit,
        "reason": row.reason,
        "rotate": row.rotate,
        "view": row.view,
        "yaw": row.yaw,
        "received_time": _iso(row.received_time),
        "analyzed_time": _iso(row.analyzed_time),
        "processed_by": row.processed_by,
        "filename": row.filename,
    }
    received = row.received_time.replace(tzinfo=UTC)
    return Document(received, row.filename, json.dumps(content).encode())


def understood(payload: bytes) -> Document | None:
    """A document that somebody has published; None for anything else."""
    if len(payload) > _LONGEST:
        return None
    try:
        content = json.loads(payload)
        received = datetime.fromisoformat(content["received_time"])
        known = content["schema"] == SCHEMA and received.tzinfo is not None
        return Document(received, str(content["filename"]), payload) if known else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def status_topic(prefix: str, pi: str) -> str:
    """Where the newest document of a camera is; `+` for all cameras."""
    return f"{prefix}/{pi}/status"


def picture_topic(prefix: str, pi: str) -> str:
    """Where the newest annotated picture of a camera is shown; nothing keeps it."""
    return f"{prefix}/{pi}/picture"


def today_topic(prefix: str, pi: str) -> str:
    """Where it is told how much somebody has leaned at a camera today."""
    return f"{prefix}/{pi}/today"


def camera_of(prefix: str, topic: str) -> str:
    """The camera of a topic that `status_topic` has made."""
    return topic[len(prefix) + 1 : -len("/status")]


def availability_topic(prefix: str, worker: str) -> str:
    """Where a worker says `online`, and the broker for it `offline`."""
    return f"{prefix}/workers/{worker}/availability"


def session_topic(prefix: str, worker: str) -> str:
    """Where a worker says that the broker has lost its session."""
    return f"{prefix}/workers/{worker}/session"


def lost_session(count: int, time: datetime) -> bytes:
    """What a worker says there: how often since it began, and when last (UTC)."""
    last = _iso(time.replace(tzinfo=None))
    return json.dumps({"schema": SCHEMA, "lost": count, "last_time": last}).encode()


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="microseconds") + "Z"
