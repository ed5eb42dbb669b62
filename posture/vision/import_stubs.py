"""Stand-ins for what mediapipe imports and nothing here uses."""

from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from common.import_stubs import stood_in

# Importing any part of mediapipe imports these, which only its plots in 3-D and its
# audio tasks use: three quarters of the import time, and part of every Job's start.
# The image does not even have them. Of the rest, a third is tasks that see nothing.
_NOT_NEEDED = (
    "matplotlib",
    "matplotlib.pyplot",
    "sounddevice",
    "mediapipe.tasks.python.audio",
    "mediapipe.tasks.python.decision",
    "mediapipe.tasks.python.retrieval",
    "mediapipe.tasks.python.text",
)


class _Absent(ModuleType):
    """Stands in for a package that is imported but not used."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever is asked for
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(name)


def only_vision() -> AbstractContextManager[None]:
    """Import mediapipe without what is not needed of it."""
    return stood_in(_NOT_NEEDED, _Absent)
