"""ESC or ENTER in a terminal ends a run."""

import contextlib
import os
import select
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from typing import TextIO

_KEYS = (b"\x1b", b"\r", b"\n")
_TICK = 0.2  # seconds between looks whether to listen on
# An arrow or function key begins like ESC too, but more bytes come right behind.
_FOLLOWS = 0.05


@contextlib.contextmanager
def listening(
    stop: Callable[[], object], stream: TextIO | None = None
) -> Iterator[bool]:
    """Call `stop`, in another thread, once ESC or ENTER is pressed.

    Gives False, and listens to nothing, where there is no terminal of ours: the input
    is a file or closed, or the process runs in the background. The terminal is as
    before at the end.
    """
    descriptor = _terminal(stream or sys.stdin)
    if descriptor is None:
        yield False
        return
    before = termios.tcgetattr(descriptor)
    ended = threading.Event()
    listener = threading.Thread(
        target=_listen, args=(descriptor, stop, ended), name="keyboard", daemon=True
    )
    try:
        tty.setcbreak(descriptor)
        listener.start()
        yield True
    finally:
        ended.set()
        listener.join(2)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _terminal(stream: TextIO | None) -> int | None:
    """Its descriptor, if it is a terminal and we are in its foreground."""
    try:
        if stream is None or not stream.isatty():
            return None
        descriptor = stream.fileno()
        # In the background the kernel would stop us for changing the terminal.
        foreground = os.tcgetpgrp(descriptor) == os.getpgrp()
    except (OSError, ValueError):  # closed, or not the terminal that controls us
        return None
    return descriptor if foreground else None


def _listen(
    descriptor: int, stop: Callable[[], object], ended: threading.Event
) -> None:
    while not ended.is_set():
        if not _readable(descriptor, _TICK):
            continue
        pressed = os.read(descriptor, 1)
        if not pressed:
            return  # the terminal is gone
        if pressed == b"\x1b" and _readable(descriptor, _FOLLOWS):
            os.read(descriptor, 32)
        elif pressed in _KEYS:
            stop()
            return


def _readable(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])
