"""Readings taken in the background, so that no one who asks has to wait."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from common.errors import OperatorError

log = logging.getLogger(__name__)
Value = TypeVar("Value")


class NotKnownError(OperatorError):
    """There is no reading that is young enough, and why."""


@dataclass(frozen=True)
class Latest(Generic[Value]):
    """The last good value, when its reading began, and what went wrong since."""

    value: Value | None = None
    at: float = 0.0
    problem: str | None = None


class Poll(Generic[Value]):
    """Calls `read` again and again in a thread of its own, and keeps what it gives."""

    def __init__(
        self,
        name: str,
        read: Callable[[], Value],
        interval: float,
        since: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; `name` is how messages call what is read, `interval` in seconds.

        `since` tells from when a reading is that begins now, in monotonic seconds: one
        that takes in an older one is as old as that.
        """
        self._name = name
        self._read = read
        self._interval = interval
        self._since = since
        self._stop = threading.Event()
        self._latest: Latest[Value] = Latest(problem="not read yet")
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more; a reading under way is not waited for."""
        self._stop.set()

    @property
    def latest(self) -> Latest[Value]:
        """The last reading; never waits."""
        return self._latest

    def wait_for_first(self) -> None:
        """Wait until it has been tried once, whatever came of it."""
        self._tried.wait()

    def fresh(self, staleness: float) -> Value:
        """The last value.

        Raises:
            NotKnownError: it is older than `staleness` seconds, or there is none.
        """
        latest = self._latest
        age = time.monotonic() - latest.at
        if latest.value is not None and age <= staleness:
            return latest.value
        old = "no reading yet" if latest.value is None else f"last read {age:.0f} s ago"
        raise NotKnownError(
            f"{self._name}: {old}, limit {staleness:g} s: "
            f"{latest.problem or 'the reading under way does not end'}"
        )

    def _run(self) -> None:
        while not self._stop.is_set():
            begun = time.monotonic()
            self.once()
            took = time.monotonic() - begun
            self._stop.wait(max(0.0, self._interval - took))

    def once(self) -> None:
        """Take one reading now."""
        begun = self._since()
        try:
            value = self._read()
        except OperatorError as error:
            self._failed(str(error))
        except Exception as error:
            # A failed reading, however it failed, must not end the readings.
            log.exception("%s: unexpected error", self._name)
            self._failed(f"unexpected {type(error).__name__}: {error}")
        else:
            if self._latest.problem and self._latest.value is not None:
                log.info("%s: read again", self._name)
            self._latest = Latest(value, begun)
        self._tried.set()

    def _failed(self, problem: str) -> None:
        if problem != self._latest.problem:
            log.error("%s: %s", self._name, problem)
        self._latest = replace(self._latest, problem=problem)
