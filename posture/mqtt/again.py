"""Something that is asked again, less and less often, until it is answered."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Again:
    """Calls `ask` again and again between `begin` and `stop`, in threads of its own."""

    def __init__(
        self, ask: Callable[[], None], what: str, first: float, longest: float
    ) -> None:
        """Prepare; `first` and `longest` are the seconds between two calls."""
        self._ask = ask
        self._what = what
        self._first = first
        self._longest = longest
        self._lock = threading.Lock()
        self._delay = first
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """It has been asked now: wait for the answer, longer than the last time."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._timer = threading.Timer(self._delay, self._again)
            self._timer.daemon = True
            self._timer.start()
            self._delay = min(2 * self._delay, self._longest)

    def stop(self) -> None:
        """There is an answer, or nobody to ask any more."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._timer = None
            self._delay = self._first

    def _again(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return
        log.warning("the broker has not agreed to %s yet: asking again", self._what)
        self._ask()
