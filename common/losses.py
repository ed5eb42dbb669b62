"""Whether a connection is lost because another client has its name."""

import math
import time

from common.broker_answers import Reason

_QUICK = 5.0  # seconds; a connection that ends sooner was not a good one
_SUSPICIOUS = 3  # so many of them in a row


class Losses:
    """Counts losses soon after a connection was made.

    A broker of MQTT 5 says that another client has taken the connection over, but its
    farewell is not always heard before the line is cut; one of MQTT 3.1.1 says nothing.
    """

    def __init__(self) -> None:
        self._connected_at = -math.inf
        self._quick = 0

    def connected(self) -> None:
        """A connection is made."""
        self._connected_at = time.monotonic()

    def lasted(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._connected_at

    def contested(self, reason: Reason) -> bool:
        """It is lost; whether another client of our name is the likely cause."""
        self._quick = self._quick + 1 if self.lasted() < _QUICK else 0
        return reason.taken_over or self._quick >= _SUSPICIOUS
