"""Places for pictures that browsers send: few, counted in bytes, and not for ever."""

import asyncio
import os
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from common.errors import OperatorError
from page.words import gettext as _

_MOST = 8  # at a time
_MOST_OF_ONE = 3  # of one address
_WAITING_OF_ONE = 10  # others of that address are told at once
_LARGE = 3  # of the largest at a time
_NICE = 10  # of 19, of the thread that decodes
_PATIENCE = 10.0  # seconds that one waits for a place


class BusyError(OperatorError):
    """There was no place for a picture."""


class Uploads:
    """Who has a place may send a body; others wait for a while."""

    def __init__(self, largest: int) -> None:
        """`largest` is the bytes that one picture may have."""
        self.thread = ThreadPoolExecutor(1, "uploads", _give_way)
        """Pictures are decoded one at a time, in no thread that others wait for."""
        self._free = _LARGE * largest
        self._open: Counter[str] = Counter()  # by address
        self._waiting: Counter[str] = Counter()  # by address
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def place(self, address: str, size: int) -> AsyncIterator[None]:
        """Have a place for `size` bytes of this address.

        Raises:
            BusyError: there was none for long.
        """

        def is_room() -> bool:
            return (
                size <= self._free
                and self._open[address] < _MOST_OF_ONE
                and self._open.total() < _MOST
            )

        if self._waiting[address] >= _WAITING_OF_ONE:
            raise _busy()
        self._waiting[address] += 1
        try:
            async with asyncio.timeout(_PATIENCE), self._changed:
                await self._changed.wait_for(is_room)
                self._free -= size
                self._open[address] += 1
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= Counter({address: 1})  # forgets who has none
        try:
            yield
        finally:
            self._free += size
            self._open -= Counter({address: 1})
            async with self._changed:
                self._changed.notify_all()


def _give_way() -> None:
    """Let this thread have what the others leave: a visitor's question comes first."""
    if sys.platform.startswith("linux"):  # where a thread has a priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _busy() -> BusyError:
    return BusyError(_("The page is busy with other pictures. Try again in a moment."))
