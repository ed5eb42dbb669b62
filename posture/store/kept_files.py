"""Files that pictures have left, found by age or by camera and period, and deleted.

Only names that the worker gives are ever touched: whatever else lies in its folders is
somebody else's. A picture's file has the time of its message (see `recorder`).
"""

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from posture.store.pictures import folder_of
from posture.vision.payload import pi_name

log = logging.getLogger(__name__)

# Whole, or half written by a worker that was killed.
_PICTURE = re.compile(r"\.?(?P<pi>.+)_[0-9a-f]{32}\.jpg(\.[0-9a-f]{8})?")
_REFUSED = re.compile(r"\.?\d{8}T\d{6}_[0-9a-f]{12}\.(json|payload)(\.[0-9a-f]{8})?")


@dataclass(frozen=True)
class Period:
    """From one moment, itself included, to another, itself excluded; aware times."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


def pictures_before(pictures: Path, moment: datetime) -> Iterator[Path]:
    """All annotated pictures that are older."""
    for folder in _entries(pictures):
        if folder.is_dir(follow_symlinks=False):
            pi = folder.name.removeprefix(folder_of(Path(), "").name)
            for path, time in _pictures(Path(folder), pi):
                if time < moment:
                    yield path


def pictures_beyond(pictures: Path, limit: int) -> Iterator[Path]:
    """The oldest annotated pictures, as long as all of them take more bytes.

    A file counts as the blocks that it takes of the disk.
    """
    found = sorted(_sizes(pictures))
    over = sum(size for _, size, _ in found) - limit
    for _, size, path in found:
        if over <= 0:
            return
        over -= size
        yield Path(path)


def _sizes(pictures: Path) -> Iterator[tuple[float, int, str]]:
    """Time, bytes on the disk and path of each annotated picture."""
    for folder in _entries(pictures):
        if folder.is_dir(follow_symlinks=False):
            for entry in _entries(Path(folder)):
                with suppress(FileNotFoundError):  # gone meanwhile
                    if _PICTURE.fullmatch(entry.name):
                        told = entry.stat(follow_symlinks=False)
                        yield told.st_mtime, told.st_blocks * 512, entry.path


def pictures_in(pictures: Path, pi: str, period: Period) -> Iterator[Path]:
    """The annotated pictures of one camera from that time."""
    for path, time in _pictures(folder_of(pictures, pi), pi):
        if time in period:
            yield path


def picture_of(pictures: Path, pi: str, filename: str | None) -> Path | None:
    """The file that a row of this camera names, if there is one in its folder.

    What rows say may have been written by anybody.
    """
    if not filename or Path(filename).name != filename or filename.startswith("."):
        return None
    path = folder_of(pictures, pi) / filename
    return path if path.suffix == ".jpg" and os.path.lexists(path) else None


def refused_before(quarantine: Path, moment: datetime) -> Iterator[Path]:
    """Notes and payloads in quarantine that are older."""
    for entry in _entries(quarantine):
        if _REFUSED.fullmatch(entry.name) and _time(entry) < moment:
            yield Path(entry)


def refused_in(quarantine: Path, pi: str, period: Period) -> Iterator[Path]:
    """The payloads and notes of what was refused of one camera at that time."""
    for entry in _entries(quarantine):
        if _REFUSED.fullmatch(entry.name) and entry.name.endswith(".json"):
            note = Path(entry)
            try:
                told = json.loads(note.read_bytes())
                time = datetime.fromisoformat(told["refused_time"])
                wanted = pi_name(told["topic"]) == pi and time in period
            except (OSError, ValueError, KeyError, TypeError) as error:
                log.warning("%s: whose it is cannot be read: %s", note, error)
                continue
            if wanted:
                # The note last: without it nobody knows whose the payload is.
                yield note.with_suffix(".payload")
                yield note


def delete(path: Path) -> bool:
    """Delete one file; False if it was gone already.

    Raises:
        OSError: it cannot be deleted.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    log.debug("deleted %s", path)
    return True


def _pictures(folder: Path, pi: str) -> Iterator[tuple[Path, datetime]]:
    for entry in _entries(folder):
        name = _PICTURE.fullmatch(entry.name)
        if name and name["pi"] == pi:
            yield Path(entry), _time(entry)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except FileNotFoundError:  # no picture yet
        return


def _time(entry: os.DirEntry[str]) -> datetime:
    try:
        seconds = entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:  # gone meanwhile
        return datetime.now(UTC)
    return datetime.fromtimestamp(seconds, UTC)
