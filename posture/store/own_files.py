"""Which files are ours: regular ones, in folders of ours, under names that we give.

Whatever else lies there is somebody else's: a link, a folder, a name of another kind.
Only what is ours is ever deleted, and all of it can be found, half written or not.
"""

import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from posture.store.pictures import folder_of

log = logging.getLogger(__name__)

# Whole, or half written by a worker that was killed.
_PICTURE = re.compile(r"\.?(?P<pi>.+)_[0-9a-f]{32}\.jpg(\.[0-9a-f]{8})?")
_REFUSED = re.compile(
    r"\.?(?P<message>\d{8}T\d{6}_[0-9a-f]{12})\.(json|payload)(\.[0-9a-f]{8})?"
)
_NEVER = datetime.min.replace(tzinfo=UTC)
_SETTLED = 60.0  # seconds after which nobody is writing a file any more
_BLOCK = 4096  # bytes that a file takes at least, so that many tiny ones end too


@dataclass
class Message:
    """What is kept of one refused message; a file of it may be missing."""

    files: list[Path] = field(default_factory=list)
    """Its note last: without it nobody knows whose the others are."""

    note: Path | None = None
    time: datetime = _NEVER
    """Of its note, or else of its newest file."""

    size: int = 0
    """Bytes on disk."""


def camera_folders(pictures: Path) -> Iterator[tuple[Path, str]]:
    """The folder of each camera, and its name; it may be a link to another disk."""
    prefix = folder_of(Path(), "").name
    for entry in _entries(pictures):
        if entry.name.startswith(prefix) and _is_folder(entry):
            yield Path(entry), entry.name.removeprefix(prefix)


def camera_pictures(folder: Path, pi: str) -> Iterator[tuple[Path, os.stat_result]]:
    """The pictures of one camera in its folder, and what the disk says of them."""
    for entry in _entries(folder):
        status = _status(entry) if is_picture(entry.name, pi) else None
        if status and _is_kept(status):
            yield Path(entry), status


def is_picture(name: str, pi: str) -> bool:
    """Whether the worker gives this name to pictures of this camera."""
    found = _PICTURE.fullmatch(name)
    return found is not None and found["pi"] == pi


def messages(quarantine: Path) -> dict[str, Message]:
    """What is in quarantine, by the name of the message."""
    found: dict[str, Message] = {}
    settled = time.time() - _SETTLED
    for entry in _entries(quarantine):
        name = _REFUSED.fullmatch(entry.name)
        status = _status(entry) if name else None
        if name is None or status is None or not stat.S_ISREG(status.st_mode):
            continue
        if entry.name.startswith(".") and status.st_mtime > settled:
            continue  # being written
        message = found.setdefault(name["message"], Message())
        message.size += max(_BLOCK, status.st_size)
        if entry.name == f"{name['message']}.json":
            message.note, message.time = Path(entry), time_of(status)
            message.files.append(message.note)
        else:
            message.files.insert(0, Path(entry))
            if message.note is None:
                message.time = max(message.time, time_of(status))
    return found


def delete(path: Path) -> bool:
    """Delete one file; False if none is there any more, or a link in its place.

    Raises:
        OSError: it cannot be deleted, or a folder lies in its place.
    """
    try:
        # What is looked at and what is deleted are in one folder, whatever is put into
        # the place of the path meanwhile.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        status = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
        if not _is_kept(status):
            return False
        os.unlink(path.name, dir_fd=folder)
    except FileNotFoundError:
        return False
    finally:
        os.close(folder)
    log.debug("deleted %s", path)
    return True


def exists(path: Path) -> bool:
    """Whether `delete` would find something there."""
    try:
        return _is_kept(path.lstat())
    except OSError:
        return False


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except FileNotFoundError:  # no picture yet
        return


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # gone meanwhile
        return None


def _is_kept(status: os.stat_result) -> bool:
    # A folder in the place of a file is no file of ours, but is to be told: to delete
    # it is tried, and fails.
    return stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)


def time_of(status: os.stat_result) -> datetime:
    """When it was written, or came."""
    return datetime.fromtimestamp(status.st_mtime, UTC)
