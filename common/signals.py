"""A stop that a signal asks for, while the main thread waits for it."""

import math
import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType

_LOOK = 1.0  # seconds after which who waits looks whether a signal has come


class Stop:
    """What threading.Event is for everyone but signal handlers.

    A handler runs in the middle of what the main thread does. If that is about to wait
    for an Event it holds its lock, and a handler that sets it waits for itself for
    ever. (A SimpleQueue with a timeout can wait for ever after any signal.) A byte can
    be written to a pipe at any moment.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._reader, self._writer = os.pipe()

    def __del__(self) -> None:
        os.close(self._reader)
        os.close(self._writer)

    def set(self) -> None:
        """Ask for it."""
        if not self._is_set:
            self._is_set = True
            os.write(self._writer, b"!")  # never read, so that all wake who wait

    def is_set(self) -> bool:
        """Whether it has been asked for."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is asked for; False after `timeout` seconds without."""
        until = math.inf if timeout is None else time.monotonic() + timeout
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        while True:
            # A signal that comes between Python's last look and the system call, or in
            # another thread, wakes nobody: its handler runs when this returns.
            left = max(0.0, min(_LOOK, until - time.monotonic()))
            poll.poll(left * 1000)
            if self._is_set or time.monotonic() >= until:
                return self._is_set


def on_stop_signals(stop: Callable[[], object]) -> None:
    """Call `stop` at SIGTERM and SIGINT; a second one ends the process at once."""

    def handle(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
