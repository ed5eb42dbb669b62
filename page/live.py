"""New rows to every open page: one query and one message for all of them."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
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
_SILENT = 500  # silent cameras that are named


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
        draw_silent: Callable[[Tile], str],
        telemetry: Telemetry,
    ) -> None:
        """`draw` and `draw_silent` make HTML; `telemetry` hears of every row."""
        self._rows = rows
        self._board = board
        self._draw = draw
        self._draw_silent = draw_silent
        self._telemetry = telemetry
        self._changed = asyncio.Condition()
        self._version = 0
        self._message = ""
        self.trouble: str | None = "not connected yet"

    async def follow(self) -> None:
        """Look for new rows until cancelled."""
        remembering: asyncio.Task[None] | None = None
        try:
            while True:
                try:
                    if remembering is None:
                        await self._begin()
                        remembering = asyncio.create_task(self._remember())
                    await self._look()
                    await asyncio.sleep(_LOOK)
                except DatabaseAwayError as error:
                    await self._away(str(error))
                    await asyncio.sleep(_AWAY)
        finally:
            if remembering:
                remembering.cancel()

    async def _begin(self) -> None:
        last = await to_thread.run_sync(self._rows.newest_id)
        newest = await to_thread.run_sync(self._rows.newest_of_each)
        pauses = await to_thread.run_sync(self._rows.pauses)
        self._board.begin(newest, last, pauses)
        self._telemetry.begin(newest)
        await self._tell(self._heard(), None)

    async def _look(self) -> None:
        rows = await to_thread.run_sync(self._rows.after, self._board.last, _MOST)
        changed = self._board.add(rows, time.monotonic())
        self._telemetry.add(rows)
        if changed or self.trouble:
            await self._tell(self._board.tiles(changed), None)

    async def _remember(self) -> None:
        """Find the cameras that have been silent for long: this may take its time."""
        try:
            rows = await to_thread.run_sync(self._rows.remembered)
        except DatabaseAwayError as error:
            log.warning("cameras that are silent for long are not known: %s", error)
            return
        self._board.recall(rows)
        self._telemetry.recall(rows)
        await self._tell([], None)

    def _heard(self) -> list[Tile]:
        return self._board.heard(datetime.now(UTC))

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
        now = datetime.now(UTC)
        upright, seen = self._board.share_upright(now)
        silent = self._board.silent(now)[:_SILENT]
        news: dict[str, Any] = {
            "now": now.timestamp(),
            "trouble": bool(self.trouble),
            "minute": self._board.last_minute(),
            "cameras": len(self._board.heard(now)),
            "upright": upright,
            "seen": seen,
            "tiles": [self._draw(tile) for tile in tiles],
            "silent": [self._draw_silent(tile) for tile in silent],
        }
        return f"data: {json.dumps(news)}\n\n"

    async def messages(self) -> AsyncIterator[str]:
        """Server-sent events for one open page."""
        version = self._version
        yield "retry: 1000\n" + self._event(self._heard())
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
        return self._version, self._event(self._heard())
