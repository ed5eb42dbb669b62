"""`.env` of the folder: settings for who does not want to type them each time."""

import os
import stat
import sys
from collections.abc import MutableMapping
from pathlib import Path

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def read_env_file(folder: Path, environ: MutableMapping[str, str]) -> None:
    """Put what `.env` in `folder` sets into `environ`, where that is not set yet.

    A file that others could have written is not read; says so on stderr.
    """
    path = folder / ".env"
    if not path.exists():
        return
    if why := _doubt(folder) or _doubt(path):
        print(f"{path} is not read: {why}", file=sys.stderr)  # noqa: T201
        return
    from dotenv import dotenv_values

    try:
        told = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        print(f"{path} is not read: {error}", file=sys.stderr)  # noqa: T201
        return
    given = {_setting(name) for name, text in environ.items() if text}
    for name, text in told.items():
        if text and _setting(name) not in given:
            environ[name] = text


def _setting(name: str) -> str:
    """FOO for FOO_FILE too: both are the same setting."""
    return name.removesuffix("_FILE")


def _doubt(path: Path) -> str:
    status = path.stat()
    if status.st_uid not in (os.geteuid(), 0):
        return f"{path} belongs to user {status.st_uid}"
    if status.st_mode & _OTHERS:
        return f"others may write to {path}; if it is yours: chmod go-w {path}"
    return ""
