"""Pictures of a folder, in the order of their names, again and again."""

from pathlib import Path

from capture.errors import SourceError
from capture.sources.source import LARGEST, is_picture

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


class Folder:
    """A folder that another program may fill while it is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = ""

    def picture(self) -> bytes:
        """The file after the last one, in the order of names."""
        names = self._names()
        name = next((each for each in names if each > self._last), names[0])
        self._last = name
        try:
            file = (self._folder / name).read_bytes()
        except OSError as error:
            raise SourceError(
                f"cannot read {self._folder / name}: {error.strerror}"
            ) from error
        if len(file) > LARGEST or not is_picture(file):
            raise SourceError(
                f"{self._folder / name} is no picture, or has more than "
                f"{LARGEST // 1_000_000} MB: take it away"
            )
        return file

    def close(self) -> None:
        """Nothing is held open."""

    def _names(self) -> list[str]:
        try:
            names = [
                each.name
                for each in self._folder.iterdir()
                if each.suffix.lower() in SUFFIXES and not each.name.startswith(".")
            ]
        except OSError as error:
            raise SourceError(
                f"cannot read {self._folder}: {error.strerror}"
            ) from error
        if not names:
            raise SourceError(
                f"{self._folder} has no picture: put .jpg, .png or .webp files there"
            )
        return sorted(names)
