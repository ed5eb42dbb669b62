"""Annotated pictures on disk, each whole or not at all."""

import errno
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from common.errors import OperatorError

_PART = re.compile(r"\..+\.jpg\.[0-9a-f]{8}")
_NO_TIMES: Mapping[Path, float] = {}
_MODE = 0o640


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
    # People are on it: nobody but its owner and group is to read it.
    os.fchmod(file.fileno(), os.fstat(file.fileno()).st_mode & _MODE)
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
    for part in pictures.glob(f"{folder_of(Path(), '*')}/.*.jpg.*"):
        if _PART.fullmatch(part.name) and not part.is_symlink():
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
