"""How many bytes of annotated pictures may wait for the disk and the database."""

import threading


class Room:
    """So many bytes; what is taken is never refused, but who asks first may wait."""

    def __init__(self, most: int) -> None:
        """Have room while at most `most` bytes are taken."""
        self._most = most
        self._taken = 0
        self._changed = threading.Condition()

    def take(self, size: int) -> None:
        """Count `size` bytes in."""
        with self._changed:
            self._taken += size

    def give_back(self, size: int) -> None:
        """Count `size` bytes out."""
        with self._changed:
            self._taken -= size
            self._changed.notify_all()

    def wait(self, timeout: float) -> bool:
        """Wait until there is room; False if there is none after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._taken <= self._most, timeout)
