"""Small files of /sys and /proc, read to their last byte or not at all."""

from pathlib import Path

from node_agent.errors import ReadingError


def text_of(path: Path) -> str:
    """What a file says, without white space and the device tree's NUL at its ends.

    Raises:
        ReadingError: it cannot be read.
    """
    try:
        return path.read_text(errors="replace").strip("\0 \t\n")
    except OSError as error:
        raise ReadingError(f"{path}: {error.strerror}") from error


def number_of(path: Path) -> float:
    """The finite number that a file holds.

    Raises:
        ReadingError: it cannot be read, or holds no number.
    """
    try:
        return float(int(text_of(path)))
    except ValueError as error:
        raise ReadingError(f"{path}: no whole number") from error
