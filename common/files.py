"""Files that are written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import OperatorError

_MODE = 0o644  # what a file has that is made in the ordinary way


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, which takes its place in the end.

    It is on the disk by then. If anything goes wrong, `path` is as it was before, and
    nothing is left beside it. Folders above it are made.

    Raises:
        OSError: the disk is full, the folder is not writable, ...
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    aside = Path(name)
    try:
        yield aside
        os.fsync(descriptor)  # of the file, whoever has written it
        aside.chmod(_MODE)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        OperatorError: it cannot be written, and why.
    """
    try:
        with written_aside(path) as aside:
            aside.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"cannot write {path}: {error.strerror}") from error
