"""Files on disk: annotated pictures, and the quarantine of what was refused."""

import errno
import json
import logging
import os
import secrets
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import cv2

from common.errors import OperatorError
from posture.errors import RefusedError
from posture.vision.payload import Image

log = logging.getLogger(__name__)

_NO_TIMES: Mapping[Path, float] = {}
_QUALITY = 85  # of 100: the usual trade between size and traces of compression


def encode(image: Image) -> bytes:
    """The JPEG file of an image."""
    done, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise RefusedError(f"image of {image.shape} cannot be written as JPEG")
    return file.tobytes()


def folder_of(pictures: Path, pi: str) -> Path:
    """Where the annotated pictures of one Pi are kept; `pi` must be a safe name."""
    return pictures / f"analyzed_images_from_{pi}"


def save(files: Mapping[Path, bytes], times: Mapping[Path, float] = _NO_TIMES) -> None:
    """Write files, each whole or not at all, and never over another.

    A file of which `times` has the seconds since 1970 gets this time for its own.

    A file that is there already under its name stays: names are made from the message,
    so it is the same picture, from a delivery that was cut short after this step.

    Raises:
        OSError: the disk is full, the folder is not writable, ...
    """
    parts = {path: _part_of(path) for path in files if not path.exists()}
    try:
        # All are written before the first is waited for: the disk does them together.
        with ExitStack() as opened:
            written = [
                _write(opened, part, files[path], times.get(path))
                for path, part in parts.items()
            ]
            for file in written:
                os.fdatasync(file.fileno())  # the row is written once this is on disk
        for path, part in parts.items():
            part.rename(path)
        # A name is on the disk once its folder is: else a power cut takes it away from
        # a file whose row is written. Also that of a file from a delivery before.
        for folder in {path.parent for path in files}:
            _sync(folder)
    except OSError:
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise


def _part_of(path: Path) -> Path:
    # Hidden, and in the same folder, so that the last step is one rename.
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _write(
    opened: ExitStack, part: Path, content: bytes, time: float | None
) -> BinaryIO:
    try:
        file = part.open("xb")
    except FileNotFoundError:
        part.parent.mkdir(parents=True, exist_ok=True)
        _sync(part.parent.parent)
        file = part.open("xb")
    opened.enter_context(file)
    file.write(content)
    file.flush()
    if time is not None:
        os.utime(file.fileno(), (time, time))
    return file


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot, and need not
            raise
    finally:
        os.close(descriptor)


def remove_parts(pictures: Path) -> None:
    """Remove what a killed worker left half written."""
    for part in pictures.glob("analyzed_images_from_*/.*.jpg.*"):
        part.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Make sure that `folder` exists and can be written.

    Raises:
        OperatorError: says which folder, and what to do.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{secrets.token_hex(4)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OperatorError(
            f"cannot write into {folder}: {error.strerror}; "
            "give the worker's user the right to, or name another folder"
        ) from error


class Quarantine:
    """Messages that could not be analyzed, with the reason; the oldest go first."""

    def __init__(self, folder: Path, limit: int, *, payloads: bool = True) -> None:
        """Keep at most `limit` bytes in `folder`; without `payloads` only notes."""
        self._folder = folder
        self._limit = limit
        self._payloads = payloads
        self._lock = threading.Lock()  # one counts and forgets at a time

    def keep(self, name: str, topic: str, payload: bytes, reason: str) -> None:
        """Keep one message under `name`: its payload, and a note beside it."""
        note = {
            "topic": topic,
            "reason": reason,
            "bytes": len(payload),
            "refused_time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if len(payload) > self._limit:
            log.warning("quarantine keeps no payload of %d bytes", len(payload))
            payload = b""
        if not self._payloads:
            payload = b""
        try:
            # The note first: what it does not name would never be forgotten.
            words = json.dumps(note, indent=1).encode()
            file = self._folder / name
            save(
                {
                    file.with_suffix(".json"): words,
                    file.with_suffix(".payload"): payload,
                }
            )
            with self._lock:
                self._forget_oldest()
        except OSError as error:
            # The picture is lost to study, but it was refused anyway: carry on.
            log.warning("quarantine cannot keep %s: %s", name, error)

    def _forget_oldest(self) -> None:
        notes = sorted(
            self._folder.glob("*.json"), key=lambda note: note.stat().st_mtime_ns
        )
        sizes = {note: _size(note) for note in notes}
        total = sum(sizes.values())
        for note in notes:
            if total <= self._limit:
                return
            total -= sizes[note]
            note.with_suffix(".payload").unlink(missing_ok=True)
            note.unlink(missing_ok=True)


def _size(note: Path) -> int:
    payload = note.with_suffix(".payload")
    # A note counts as a block of the file system, so many tiny ones end too.
    return 4096 + (payload.stat().st_size if payload.exists() else 0)
