"""One reading, averaged over the last seconds: a single look at a load lies."""

import math
from collections import deque
from typing import Protocol

from node_agent.errors import ReadingError


class Source(Protocol):
    """Something that tells a load."""

    @property
    def name(self) -> str:
        """What tells it, short."""

    def read(self) -> float:
        """The load now, in percent; raises ReadingError."""


class Meter:
    """The mean of what a source told within a window; NaN and why, where it failed.

    Times are seconds of any steady clock.
    """

    def __init__(self, source: Source, window: float, began: float) -> None:
        self.source = source
        self.errors = 0
        self._window = window
        self._samples: deque[tuple[float, float]] = deque()
        self._last = began
        self._problem: str | None = "not read yet"

    def look(self, now: float) -> None:
        """Read once; one failure makes the whole window unknown."""
        try:
            value = self.source.read()
        except ReadingError as error:
            self.errors += 1
            self._problem = str(error)
            self._samples.clear()
        else:
            self._problem = None
            self._last = now
            self._samples.append((now, value))
            self._forget(now)

    def mean(self, now: float) -> float:
        """Percent, or NaN; then `problem` says why."""
        if self.problem(now):
            return math.nan
        values = [value for _, value in tuple(self._samples)]
        return sum(values) / len(values) if values else math.nan

    def age(self, now: float) -> float:
        """Seconds since it was last read with success, or since the beginning."""
        return now - self._last

    def problem(self, now: float) -> str | None:
        """Why there is no mean, if so."""
        if self._problem is None and self.age(now) > self._window:
            return "reading it hangs"
        return self._problem

    def _forget(self, now: float) -> None:
        while self._samples[0][0] <= now - self._window:
            self._samples.popleft()
