"""Which annotated picture of each camera is shown: the worker's own, as stored."""

from collections import OrderedDict
from pathlib import Path

from posture.results.newest import CAMERAS
from posture.store.pictures import folder_of


class Shown:
    """Finds the file of a camera's newest result, if it is one of ours."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` has the annotated pictures; None: none is shown."""
        self._folder = folder
        self._own: OrderedDict[str, str] = OrderedDict()

    def note(self, pi: str, filename: str) -> None:
        """This worker has recorded that picture."""
        self._own[pi] = filename
        self._own.move_to_end(pi)
        if len(self._own) > CAMERAS:
            self._own.popitem(last=False)

    def file_of(self, pi: str, filename: str) -> bytes | None:
        """The file, None if there is none to show; STORE may keep none.

        A name that only the broker has told is never looked for.
        """
        if self._folder is None or self._own.get(pi) != filename:
            return None
        try:
            return (folder_of(self._folder, pi) / filename).read_bytes()
        except OSError:
            return None
