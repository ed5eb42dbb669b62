"""What native libraries write to stderr, brought into the log."""

import faulthandler
import logging
import os
import sys
import threading
from typing import TextIO

log = logging.getLogger(__name__)

_STDERR = 2


def take_over_stderr() -> TextIO:
    """Log each line that native code writes to stderr, at level DEBUG.

    MediaPipe and TensorFlow Lite write notices about themselves there, past every
    setting, in the midst of the worker's own lines. Gives a stream on the real stderr,
    for the log itself; a fatal signal still says there where it happened.
    """
    own = os.fdopen(os.dup(_STDERR), "w", buffering=1)
    faulthandler.enable(own)
    reading, writing = os.pipe()
    os.dup2(writing, _STDERR)
    os.close(writing)
    sys.stderr = own  # what Python itself says, such as why it dies, is not native
    pump = threading.Thread(target=_pump, args=(reading,), name="native", daemon=True)
    pump.start()
    return own


def _pump(reading: int) -> None:
    with os.fdopen(reading, errors="replace") as lines:
        for line in lines:
            log.debug("%s", line.rstrip())
