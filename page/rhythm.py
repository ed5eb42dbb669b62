"""How often a camera sends, and so when it is silent. Pure rules."""

from datetime import timedelta

SHORTEST = timedelta(minutes=1)
"""No camera is called silent sooner."""

UNKNOWN = timedelta(minutes=5)
"""When a camera of which one picture is known is called silent."""

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
        if self._pause is None:
            return UNKNOWN
        return max(SHORTEST, timedelta(seconds=_PATIENCE * self._pause))
