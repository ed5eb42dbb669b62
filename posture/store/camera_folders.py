"""A folder for each camera, of which one may be blocked while the others are not."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from posture.store import pictures

_PATIENCE = (
    10.0  # seconds in which a folder may be put right before pictures are refused
)


class File(NamedTuple):
    """An annotated picture that is to be kept."""

    pi: str
    name: str
    content: bytes
    time: float
    """When its message came, in seconds since 1970."""


@dataclass(frozen=True)
class Trouble:
    """Why the pictures of one camera cannot be saved."""

    reason: str
    lasting: bool
    """Whether it has been so for long."""


class CameraFolders:
    """Saves pictures in the folders of their cameras."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blocked: dict[str, float] = {}  # since when, by camera

    def __str__(self) -> str:
        return str(self._root)

    def save(self, files: Sequence[File]) -> dict[str, Trouble]:
        """Save pictures; gives the cameras whose pictures could not be saved.

        Raises:
            OSError: none can be: the disk is full, read-only, ...
        """
        try:
            self._save(files)
        except OSError as error:
            return self._save_each(files, error)
        self._blocked.clear()
        return {}

    def _save_each(self, files: Sequence[File], first: OSError) -> dict[str, Trouble]:
        troubles = {}
        cameras = sorted({file.pi for file in files})
        for pi in cameras:
            try:
                self._save([file for file in files if file.pi == pi])
                self._blocked.pop(pi, None)
            except OSError as error:
                troubles[pi] = self._trouble(pi, error)
        if len(troubles) == len(cameras):
            self._try_elsewhere(max((file.content for file in files), key=len), first)
        return troubles

    def _trouble(self, pi: str, error: OSError) -> Trouble:
        folder = pictures.folder_of(self._root, pi)
        begun = self._blocked.setdefault(pi, time.monotonic())
        return Trouble(
            f"cannot save pictures of {pi} in {folder}: {error.strerror or error}; "
            "others are saved: make it a folder that the worker may write into",
            time.monotonic() - begun > _PATIENCE,
        )

    def _try_elsewhere(self, content: bytes, first: OSError) -> None:
        """Make sure that the fault is not everybody's.

        Raises:
            OSError: it is, and why.
        """
        probe = self._root / f".probe-{secrets.token_hex(4)}"
        try:
            probe.write_bytes(content)
        except OSError as error:
            raise error from first
        finally:
            probe.unlink(missing_ok=True)

    def _save(self, files: Sequence[File]) -> None:
        paths = {
            pictures.folder_of(self._root, file.pi) / file.name: file for file in files
        }
        pictures.save(
            {path: file.content for path, file in paths.items()},
            {path: file.time for path, file in paths.items()},
        )
