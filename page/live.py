"""New rows to every open page: one query and one message for all of them."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence, Set
from datetime import UTC, datetime
from typing import Any

from anyio import to_thread

from page.board import SILENT, Board, Tile
from page.rows import DatabaseAwayError, Rows
from page.telemetry import Telemetry
from page.words import gettext as _
from page.words import language

log = logging.getLogger(__name__)

_LOOK = 0.2  # seconds between looks for new rows: a fifth of what a viewer may wait
_AWAY = 1.0  # seconds between tries while the database is away
_BEAT = 10.0  # seconds without news after which a message shows that the page lives
_MOST = 1000  # rows of one look
_NOT_YET = "not connected yet"
_LOOK_BACK = 5.0  # seconds between looks whether this is still the same table


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
        draw_numbers: Callable[[], str],
        telemetry: Telemetry,
    ) -> None:
        """What draws makes HTML in the language that is spoken.

        `telemetry` hears of every row.
        """
        self._rows = rows
        self._board = board
        self._draw = draw
        self._draw_silent = draw_silent
        self._draw_numbers = draw_numbers
        self._telemetry = telemetry
        self._changed = asyncio.Condition()
        self._version = 0
        self._begun = 0
        self._looked_back = 0.0
        self._news: Set[str] = set()
        # Of the last version, by what is shown and language.
        self._messages: dict[tuple[str, str | None, str], str] = {}
        self.trouble: str | None = _NOT_YET

    @property
    def answers(self) -> bool | None:
        """Whether the database does; None before it was asked."""
        return None if self.trouble == _NOT_YET else not self.trouble

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
                    if await self._is_another_table():
                        _end(remembering)
                        remembering = None
                    await asyncio.sleep(_LOOK)
                except DatabaseAwayError as error:
                    await self._away(str(error))
                    await asyncio.sleep(_AWAY)
                except Exception as error:
                    # Whatever a row holds: it is said, and looked at anew.
                    _end(remembering)
                    remembering = None
                    log.exception("unexpected error with the table")
                    await self._away(f"unexpected {type(error).__name__}: {error}")
                    await asyncio.sleep(_AWAY)
        finally:
            _end(remembering)

    async def _begin(self) -> None:
        last = await to_thread.run_sync(self._rows.newest_id)
        self._looked_back = time.monotonic()
        newest = await to_thread.run_sync(self._rows.newest_of_each)
        pauses = await to_thread.run_sync(self._rows.pauses)
        self._board.begin(newest, last, pauses)
        self._telemetry.begin(newest)
        self._begun += 1
        await self._tell(set(), None)

    async def _is_another_table(self) -> bool:
        """Whether its ids have become smaller: a restored table, or rows deleted."""
        now = time.monotonic()
        if now - self._looked_back < _LOOK_BACK:
            return False
        self._looked_back = now
        return await to_thread.run_sync(self._rows.newest_id) < self._board.last

    async def _look(self) -> None:
        rows = await to_thread.run_sync(self._rows.after, self._board.last, _MOST)
        changed = self._board.add(rows, time.monotonic())
        self._telemetry.add(rows)
        if changed or self.trouble:
            await self._tell(changed, None)

    async def _remember(self) -> None:
        """Find the cameras that have been silent for long: this may take its time."""
        try:
            rows = await to_thread.run_sync(self._rows.remembered)
        except DatabaseAwayError as error:
            log.warning("cameras that are silent for long are not known: %s", error)
            return
        recalled = self._board.recall(rows)
        self._telemetry.recall(rows)
        await self._tell(recalled, None)

    async def _away(self, why: str) -> None:
        if self.trouble != why:
            log.warning("database: %s; trying again", why)
            await self._tell(set(), why)

    async def _tell(self, changed: Set[str], trouble: str | None) -> None:
        self.trouble = trouble
        async with self._changed:
            self._version += 1
            self._news = changed
            self._messages.clear()
            self._changed.notify_all()

    def words_of_trouble(self) -> str:
        """What visitors are told while the database is away; else nothing."""
        if not self.trouble:
            return ""
        if not self._board.names:  # nothing has been seen that could be the last
            return _("The database is away; the page goes on by itself.")
        return _(
            "The database is away. What you see is the last that was known; the page "
            "goes on by itself."
        )

    def _event(self, tiles: Sequence[Tile] = (), *, whole: bool = False) -> str:
        now = datetime.now(UTC)
        silent = self._board.silent(now)[:SILENT]
        news: dict[str, Any] = {
            "now": now.timestamp(),
            "trouble": self.words_of_trouble(),
            "numbers": self._draw_numbers(),
            "whole": whole,
            "tiles": [self._draw(tile) for tile in tiles],
            "silent": [self._draw_silent(tile) for tile in silent],
        }
        return f"data: {json.dumps(news)}\n\n"

    def _shown(self, part: str, only: str | None) -> list[Tile]:
        """The cameras of one part, as far as they send; or that one, also if silent."""
        if only is not None:
            return self._board.tiles([only])
        return self._board.part(part, datetime.now(UTC))

    def _message(self, part: str, only: str | None) -> str:
        """What is new of what a page shows; drawn once for all who look."""
        key = part, only, language()
        if key not in self._messages:
            shown = self._shown(part, only)
            tiles = [tile for tile in shown if tile.row.pi_id in self._news]
            self._messages[key] = self._event(tiles)
        return self._messages[key]

    def _all(self, part: str, only: str | None) -> str:
        """Everything that a page shows."""
        return self._event(self._shown(part, only), whole=True)

    async def messages(
        self, part: str = "", only: str | None = None
    ) -> AsyncIterator[str]:
        """Server-sent events for one open page.

        It shows a part of the cameras that send, or `only` one, which may be silent.
        """
        version, begun = self._version, self._begun
        yield "retry: 1000\n" + self._all(part, only)
        while True:
            seen = version
            version = await self._next(seen)
            if version == seen:
                yield self._event()
            elif version == seen + 1 and begun == self._begun:
                yield self._message(part, only)
            else:
                begun = self._begun
                yield self._all(part, only)

    async def _next(self, seen: int) -> int:
        """The version after `seen`, or `seen` after a while without news."""
        try:
            async with asyncio.timeout(_BEAT), self._changed:
                await self._changed.wait_for(lambda: self._version > seen)
        except TimeoutError:
            return seen
        return self._version


def _end(task: asyncio.Task[None] | None) -> None:
    if task:
        task.cancel()
