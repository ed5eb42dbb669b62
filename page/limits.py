"""How often something may be done."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

_KEYS = 1000  # remembered at a time; the quiet ones are forgotten first


class Limit:
    """At most so many times in so many seconds, for each key."""

    def __init__(
        self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._times: dict[str, deque[float]] = {}

    def allows(self, key: str = "") -> bool:
        """Whether it may be done once more; if so, counts it."""
        now = self._clock()
        times = self._times.pop(key, deque())
        while times and times[0] <= now - self._seconds:
            times.popleft()
        self._times[key] = times  # last: dictionaries keep their order
        if len(self._times) > _KEYS:
            del self._times[next(iter(self._times))]
        if len(times) >= self._most:
            return False
        times.append(now)
        return True


class DeskLimits:
    """How often somebody with a desk's link, or without one, may do something."""

    def __init__(self) -> None:
        self.tries = Limit(20, 60)
        """To enter, by address."""
        self.acts = Limit(20, 60)
        """By desk."""
        self.downloads = Limit(5, 600)
        """By desk."""
        self.deleting = asyncio.Lock()
        """One at a time: each walks the whole table."""
