"""Files that pictures have left, found by age or by camera and period.

A picture's file has the time of its message (see `recorder`).
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from common.picture_topics import safe_name
from posture.store.own_files import (
    Message,
    camera_folders,
    camera_pictures,
    exists,
    is_picture,
    messages,
    time_of,
)
from posture.store.pictures import folder_of

log = logging.getLogger(__name__)

_SETTLED = timedelta(minutes=1)  # a message that is being written is left alone


@dataclass(frozen=True)
class Period:
    """From one moment, itself included, to another, itself excluded; aware times."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


def pictures_before(pictures: Path, moment: datetime) -> Iterator[Path]:
    """All annotated pictures that are older."""
    for folder, pi in camera_folders(pictures):
        for path, status in camera_pictures(folder, pi):
            if time_of(status) < moment:
                yield path


def pictures_beyond(pictures: Path, limit: int) -> Iterator[Path]:
    """The oldest annotated pictures, as long as all of them take more bytes.

    A file counts as the blocks that it takes of the disk.
    """
    found = sorted(
        (status.st_mtime, status.st_blocks * 512, str(path))
        for folder, pi in camera_folders(pictures)
        for path, status in camera_pictures(folder, pi)
    )
    over = sum(size for _, size, _ in found) - limit
    for _, size, path in found:
        if over <= 0:
            return
        over -= size
        yield Path(path)


def pictures_in(pictures: Path, pi: str, period: Period) -> Iterator[Path]:
    """The annotated pictures of one camera from that time."""
    for path, status in camera_pictures(folder_of(pictures, pi), pi):
        if time_of(status) in period:
            yield path


def picture_of(pictures: Path, pi: str, filename: str | None) -> Path | None:
    """The file that a row of this camera names, if there is one in its folder.

    What rows say may have been written by anybody.
    """
    if not filename or Path(filename).name != filename or not is_picture(filename, pi):
        return None
    path = folder_of(pictures, pi) / filename
    return path if exists(path) else None


def refused_before(quarantine: Path, moment: datetime) -> Iterator[Path]:
    """Files in quarantine of messages that are older."""
    for message in messages(quarantine).values():
        if message.time < moment:
            yield from message.files


def refused_in(quarantine: Path, pi: str, period: Period) -> Iterator[Path]:
    """The files in quarantine of what was refused of one camera at that time.

    What is of that time and nobody knows whose goes too, for it may be this camera's:
    a payload without a note, a note that cannot be read, half a file.
    """
    settled = datetime.now(UTC) - _SETTLED
    for message in messages(quarantine).values():
        whose = _whose(message)
        if whose is None:
            wanted = message.time in period and message.time < settled
        else:
            wanted = whose[0] == pi and whose[1] in period
        if wanted:
            yield from message.files


def any_refused(quarantine: Path, pi: str) -> bool:
    """Whether anything in quarantine is of this camera, or may be."""
    found = map(_whose, messages(quarantine).values())
    return any(whose is None or whose[0] == pi for whose in found)


def _whose(message: Message) -> tuple[str, datetime] | None:
    """The camera and the time that a message's note tells."""
    if message.note is None:
        return None
    try:
        told = json.loads(message.note.read_bytes())
        time = datetime.fromisoformat(told["refused_time"])
        return _camera(told), time if time.tzinfo else time.replace(tzinfo=UTC)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: whose it is cannot be read: %s", message.note, error)
        return None


def _camera(told: dict[str, str]) -> str:
    # Notes of before have no name; it was what follows a topic's first level.
    topic = told["topic"]
    return str(told.get("pi") or safe_name(topic.partition("/")[2], topic))
