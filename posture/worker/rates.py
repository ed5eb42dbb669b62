"""Which camera sends far more pictures than anybody needs. A pure rule."""

from collections import Counter
from typing import NamedTuple

MANY = 5.0
"""Pictures a second: 25 to 50 times what a camera at a desk needs."""
_WINDOW = 60.0  # seconds over which it is counted
_SILENCE = 3600.0  # seconds until the same topic is named again


class Flood(NamedTuple):
    """A topic, and how many pictures a second came on it."""

    topic: str
    rate: float


class Rates:
    """Pictures by topic, in windows of a minute."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._counts: Counter[str] = Counter()
        self._named: dict[str, float] = {}

    def count(self, topic: str, now: float) -> Flood | None:
        """Count a picture that comes at `now`, by a monotonic clock.

        When a minute is over, gives the busiest topic if more than `MANY` a second came
        on it and it has not been named within the hour.
        """
        if self._since is None:
            self._since = now
        self._counts[topic] += 1
        passed = now - self._since
        if passed < _WINDOW:
            return None
        busiest, count = self._counts.most_common(1)[0]
        self._since, self._counts = now, Counter()
        self._named = {
            each: then for each, then in self._named.items() if now - then < _SILENCE
        }
        if count / passed <= MANY or busiest in self._named:
            return None
        self._named[busiest] = now
        return Flood(busiest, count / passed)
