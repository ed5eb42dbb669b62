"""Signals that end a launch, wherever it is at the moment."""

import signal
from types import FrameType

from common.processes import TAKE_OVER
from common.signals import Stop

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, TAKE_OVER)


class Interrupted(BaseException):
    """A signal came; `taken_over` when it is stop.py's, which does the rest."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.taken_over = number == TAKE_OVER


class Interrupts:
    """Turns the first signal into `Interrupted`; a second one ends the process at once.

    The exception alone is not enough: Python throws away what is raised while it
    destroys an object. So the signal is remembered, too.
    """

    def __init__(self) -> None:
        self.came = Stop()
        self._number: int | None = None

    def listen(self) -> None:
        """Begin; in the main thread."""
        for number in _NUMBERS:
            signal.signal(number, self._handle)

    def check(self) -> None:
        """Raise Interrupted if a signal has come.

        Raises:
            Interrupted: one has.
        """
        if self._number is not None:
            raise Interrupted(self._number)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        for each in _NUMBERS:
            signal.signal(each, signal.SIG_DFL)
        self._number = number
        self.came.set()
        raise Interrupted(number)
