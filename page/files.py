"""The one door to files: annotated pictures, and what is in quarantine."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from common.picture_topics import is_safe
from posture.store.pictures import folder_of

_LARGEST_NOTE = 10_000  # bytes


def read_picture(pictures: Path, pi: str, filename: str) -> bytes | None:
    """The annotated picture that a row names, None if there is none.

    What rows say came from topics and may have been written by anybody: only a file
    that lies in the camera's own folder, and is a JPEG, is ever read.
    """
    if not is_safe(pi):  # with `..` it would be another camera's folder
        return None
    folder = folder_of(pictures, pi)
    path = folder / filename
    try:
        inside = path.resolve().parent == pictures.resolve() / folder.name
        if not inside or path.suffix != ".jpg" or path.is_symlink():
            return None
        content = path.read_bytes()
    except (OSError, ValueError):  # gone, or a name that no file can have
        return None
    return content if content.startswith(b"\xff\xd8") else None


@dataclass(frozen=True)
class Refused:
    """One message in quarantine."""

    topic: str
    reason: str
    time: datetime | None


def read_quarantine(folder: Path, most: int = 20) -> tuple[int, list[Refused]]:
    """How many messages are kept, and the newest of them."""
    notes = sorted(folder.glob("*.json"), key=_age, reverse=True)
    return len(notes), [_note(each) for each in notes[:most]]


def newest_note(folder: Path) -> datetime | None:
    """When a message was refused last; None where none is kept."""
    newest = max(map(_age, folder.glob("*.json")), default=0.0)
    return datetime.fromtimestamp(newest, UTC) if newest else None


def _age(note: Path) -> float:
    try:
        return note.stat().st_mtime
    except OSError:
        return 0.0


def _note(path: Path) -> Refused:
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_LARGEST_NOTE))
        time = datetime.fromisoformat(told["refused_time"])
        return Refused(str(told["topic"]), str(told["reason"]), time)
    except (OSError, ValueError, KeyError, TypeError):
        return Refused("-", "its note cannot be read", None)
