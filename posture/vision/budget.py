"""How much of pictures may be in memory at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """So many bytes, of which each picture takes its share and gives it back.

    One of the largest takes all of it, and is alone; small ones go side by side.
    """

    def __init__(self, most: int) -> None:
        """Let at most `most` bytes be taken at a time."""
        self._free = most
        self._first_in_line = threading.Lock()  # so that a large one gets its turn
        self._given_back = threading.Condition()

    @contextmanager
    def taking(self, share: int) -> Iterator[None]:
        """Wait until `share` bytes, no more than there are in all, can be taken."""
        with self._first_in_line, self._given_back:
            self._given_back.wait_for(lambda: share <= self._free)
            self._free -= share
        try:
            yield
        finally:
            with self._given_back:
                self._free += share
                self._given_back.notify()
