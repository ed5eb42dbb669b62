"""Pictures that the broker has not taken yet: bounded in bytes, the oldest go first."""

import threading
from collections import deque
from typing import NamedTuple


class Waiting(NamedTuple):
    """One picture on its way."""

    topic: str
    file: bytes


class Outbox:
    """A queue in memory: nothing that shows a person is left on the camera's disk."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` bytes."""
        self._limit = limit
        self._waiting: deque[Waiting] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.size = 0
        """Bytes that wait."""
        self.dropped = 0
        """Pictures that had to go."""

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, picture: Waiting) -> None:
        """Add one, for which the oldest may have to go."""
        with self._changed:
            self._waiting.append(picture)
            self.size += len(picture.file)
            while self.size > self._limit and len(self._waiting) > 1:
                self.size -= len(self._waiting.popleft().file)
                self.dropped += 1
            self._changed.notify()

    def take(self) -> Waiting | None:
        """The oldest, waited for; None once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            picture = self._waiting.popleft()
            self.size -= len(picture.file)
            return picture

    def close(self) -> None:
        """Nothing is taken any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
