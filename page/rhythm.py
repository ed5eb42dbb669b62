"""How often a camera sends, and so when it is silent. Pure rules."""

from datetime import timedelta

SHORTEST = timedelta(minutes=1)
"""No camera is called silent sooner."""

UNKNOWN = timedelta(minutes=5)
"""When a camera of which one picture is known is called silent."""

SOONEST = timedelta(seconds=30)
"""No camera is called late sooner."""

_PATIENCE = 5  # times its usual pause
_WEIGHT = 0.2  # of the newest pause in the usual one
_STRETCH = 4  # times the usual pause: the most that a longer one counts for


class Rhythm:
    """The usual pause between two pictures of one camera."""

    def __init__(self, pause: float | None = None) -> None:
        """Begin with a pause in seconds, if one is known."""
        self._pause = pause

    def add(self, pause: float) -> None:
        """Take in the seconds between two pictures."""
        if pause <= 0:
            return  # of a backlog, or by clocks that differ
        if self._pause is None:
            self._pause = pause
        else:
            # A night must not make a camera look slow.
            pause = min(pause, _STRETCH * self._pause)
            self._pause += _WEIGHT * (pause - self._pause)

    @property
    def patience(self) -> timedelta:
        """How long the camera may be quiet before it is silent."""
        return self._at_least(SHORTEST)

    @property
    def late(self) -> timedelta:
        """How long it may be quiet while somebody waits for any picture at all."""
        return self._at_least(SOONEST)

    def _at_least(self, shortest: timedelta) -> timedelta:
        if self._pause is None:
            return UNKNOWN
        return max(shortest, timedelta(seconds=_PATIENCE * self._pause))
