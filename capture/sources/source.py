"""What every source of pictures can do."""

from typing import Protocol

LARGEST = 10_000_000
"""Bytes of a picture that are still sent; a worker refuses more."""

_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")


class Source(Protocol):
    """A camera, or what stands in for one."""

    def picture(self) -> bytes:
        """One picture of this moment: a JPEG, PNG or WebP file.

        Raises:
            SourceError: there is none; says why, and what to do.
        """

    def close(self) -> None:
        """Let go of the camera."""


def is_picture(file: bytes) -> bool:
    """Whether a file begins like a JPEG, PNG or WebP."""
    return file.startswith(_MAGIC)
