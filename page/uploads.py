"""Places for pictures that browsers send: few, counted in bytes, and not for ever."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter

from page.errors import PageError

_MOST = 8  # at a time
_MOST_OF_ONE = 3  # of one address
_WAITING_OF_ONE = 10  # others of that address are told at once
_LARGE = 3  # of the largest at a time
_PATIENCE = 10.0  # seconds that one waits for a place


class BusyError(PageError):
    """There was no place for a picture."""


class Uploads:
    """Who has a place may send a body; others wait for a while."""

    def __init__(self, largest: int) -> None:
        """`largest` is the bytes that one picture may have."""
        self.thread = CapacityLimiter(1)
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


def _busy() -> BusyError:
    return BusyError("The page is busy with other pictures. Try again in a moment.")
