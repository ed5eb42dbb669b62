"""Files of a run that are believed: nobody but this user could have written them.

A record names a process that will be ended and a cluster that will be changed, so a
folder that somebody else has put there must not be taken for the run's.
"""

import os
import stat
from pathlib import Path

from common.errors import OperatorError

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def make_folder(path: Path) -> None:
    """Make the folder of a run, or see that the one there is this user's alone.

    Raises:
        OperatorError: it is not, or it cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"cannot make {path}: {error.strerror}; name another folder (RUN_FOLDER)"
        ) from error
    os.close(_open_folder(path))


def read_text(path: Path) -> str | None:
    """The text of a file, None if there is none.

    Raises:
        OperatorError: it, or its folder, is not this user's alone, or is no text.
    """
    try:
        folder = _open_folder(path.parent)
    except FileNotFoundError:
        return None
    try:
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OperatorError(_refusal(path, error.strerror or str(error))) from error
    finally:
        os.close(folder)
    with os.fdopen(descriptor, "rb") as file:
        _check(path, os.fstat(file.fileno()))
        return file.read().decode(errors="replace")


def append_to(path: Path) -> int:
    """A descriptor that adds to a log, which is made if need be.

    Raises:
        OperatorError: it, or its folder, is not this user's alone.
    """
    how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    try:
        folder = _open_folder(path.parent)
        try:
            descriptor = os.open(path.name, how, 0o600, dir_fd=folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OperatorError(_refusal(path, error.strerror or str(error))) from error
    return _checked(path, descriptor)


def _open_folder(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OperatorError(_refusal(path, error.strerror or str(error))) from error
    return _checked(path, descriptor)


def _checked(path: Path, descriptor: int) -> int:
    try:
        _check(path, os.fstat(descriptor))
    except OperatorError:
        os.close(descriptor)
        raise
    return descriptor


def _check(path: Path, status: os.stat_result) -> None:
    if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
        raise OperatorError(_refusal(path, "neither a file nor a folder"))
    if status.st_uid != os.geteuid():
        raise OperatorError(
            _refusal(path, f"it is of user {status.st_uid}, not of {os.geteuid()}")
        )
    if status.st_mode & _OTHERS:
        raise OperatorError(
            _refusal(path, f"others may write to it; if it is yours: chmod go-w {path}")
        )


def _refusal(path: Path, why: str) -> str:
    return (
        f"{path} is not believed: {why} (or name another folder: RUN_FOLDER, or "
        "--folder of the demo)"
    )
