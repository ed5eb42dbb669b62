"""New rows to every open page: one query and one message for all of them."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from anyio import to_thread

from page.board import Board, Tile
from page.rows import DatabaseAwayError, Rows
from page.telemetry import Telemetry

log = logging.getLogger(__name__)

_LOOK = 0.2  # seconds between looks for new rows: a fifth of what a viewer may wait
_AWAY = 1.0  # seconds between tries while the database is away
_BEAT = 10.0  # seconds without news after which a message shows that the page lives
_MOST = 1000  # rows of one look


class Feed:
    """Follows the table and tells the open pages; runs in the page's event loop.

    A page that has the last message gets the next one; one that is new, or was too
    slow, gets everything. So nothing is kept for a page, however slow it is.
    """

    def __init__(
        self,
        rows: Rows,
        board: Board,
        draw: Callable[[Tile], str],
        telemetry: Telemetry,
    ) -> None:
        """`draw` makes the HTML of a tile; `telemetry` hears of every row."""
        self._rows = rows
        self._board = board
        self._draw = draw
        self._telemetry = telemetry
        self._changed = asyncio.Condition()
        self._version = 0
        self._message = ""
        self.trouble: str | None = "not connected yet"

    async def follow(self) -> None:
        """Look for new rows until cancelled."""
        begun = False
        while True:
            try:
                if not begun:
                    await self._begin()
                    begun = True
                await self._look()
                await asyncio.sleep(_LOOK)
            except DatabaseAwayError as error:
                await self._away(str(error))
                await asyncio.sleep(_AWAY)

    async def _begin(self) -> None:
        last = await to_thread.run_sync(self._rows.newest_id)
        newest = await to_thread.run_sync(self._rows.newest_of_each)
        self._board.begin(newest, last)
        self._telemetry.begin(newest)
        await self._tell(self._board.tiles(), None)

    async def _look(self) -> None:
        rows = await to_thread.run_sync(self._rows.after, self._board.last, _MOST)
        changed = self._board.add(rows, time.monotonic())
        self._telemetry.add(rows)
        if changed or self.trouble:
            await self._tell(self._board.tiles(changed), None)

    async def _away(self, why: str) -> None:
        if self.trouble != why:
            log.warning("database: %s; trying again", why)
            await self._tell([], why)

    async def _tell(self, tiles: list[Tile], trouble: str | None) -> None:
        self.trouble = trouble
        async with self._changed:
            self._version += 1
            self._message = self._event(tiles)
            self._changed.notify_all()

    def _event(self, tiles: list[Tile]) -> str:
        good, seen = self._board.share_good()
        news: dict[str, Any] = {
            "now": time.time(),
            "trouble": bool(self.trouble),
            "rate": round(self._board.per_second(), 1),
            "cameras": len(self._board.tiles()),
            "good": good,
            "seen": seen,
            "tiles": [self._draw(tile) for tile in tiles],
        }
        return f"data: {json.dumps(news)}\n\n"

    async def messages(self) -> AsyncIterator[str]:
        """Server-sent events for one open page."""
        version = self._version
        yield "retry: 1000\n" + self._event(self._board.tiles())
        while True:
            version, message = await self._next(version)
            yield message

    async def _next(self, seen: int) -> tuple[int, str]:
        """The version after `seen` and its message."""
        try:
            async with asyncio.timeout(_BEAT), self._changed:
                await self._changed.wait_for(lambda: self._version > seen)
        except TimeoutError:
            return seen, self._event([])
        if self._version == seen + 1:
            return self._version, self._message
        return self._version, self._event(self._board.tiles())
