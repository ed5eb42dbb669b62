"""Stand-ins for what mediapipe imports and nothing here uses."""

import sys
from types import ModuleType, TracebackType
from typing import Any

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


class WithoutPlots:
    """Keeps out what is not needed while mediapipe is imported."""

    def __enter__(self) -> None:
        self._stood_in = [name for name in _NOT_NEEDED if name not in sys.modules]
        for name in self._stood_in:
            sys.modules[name] = _Absent(name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in self._stood_in:
            del sys.modules[name]
