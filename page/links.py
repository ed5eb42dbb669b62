"""What the page knows of the way from camera to page, looked at every second."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from anyio import to_thread

from page.arrivals import Arrivals
from page.board import Board
from page.files import newest_note
from page.live import Feed
from page.why import Facts, Link, first_broken, links, stalled

_EVERY = 1.0  # seconds between looks
_QUIET = 5.0  # seconds without a row after which the page asks the broker

DATABASE_AWAY = "The database does not answer."
NOTHING_ANALYZED = "Pictures come, and no worker analyzes them."


class Links:
    """Knows which link is broken, and asks the broker while no rows come."""

    def __init__(
        self, board: Board, feed: Feed, arrivals: Arrivals, quarantine: Path
    ) -> None:
        self._board = board
        self._feed = feed
        self._arrivals = arrivals
        self._quarantine = quarantine
        self._facts: Facts | None = None

    async def watch(self) -> None:
        """Look until cancelled."""
        self._arrivals.start()
        try:
            while True:
                await self._look()
                await asyncio.sleep(_EVERY)
        finally:
            self._arrivals.stop()

    def chain(self) -> list[Link]:
        """The links as they are now."""
        return links(self._facts or self._gather(None))

    def first_broken(self) -> Link | None:
        """The first that is known to be broken."""
        return first_broken(self.chain())

    def trouble(self) -> str | None:
        """What /healthz is to say: without the database, or without a worker."""
        if self._feed.trouble:
            return DATABASE_AWAY
        return NOTHING_ANALYZED if self._facts and stalled(self._facts) else None

    async def _look(self) -> None:
        came = self._board.came
        flows = came is not None and time.monotonic() - came < _QUIET
        flows = flows and not self._feed.trouble
        waits = self._arrivals.waits_since
        if waits is not None and came is not None and came >= waits:
            self._arrivals.waits_since = None
        self._arrivals.look(wanted=not flows)
        note = None
        if self._arrivals.waits_since is not None:
            note = await to_thread.run_sync(newest_note, self._quarantine)
        self._facts = self._gather(note)

    def _gather(self, note: datetime | None) -> Facts:
        """What is known now; `note` is when a worker refused a message last."""
        now, clock = datetime.now(UTC), time.monotonic()
        arrivals, row = self._arrivals, self._board.newest()
        heard = {
            pi: now - timedelta(seconds=clock - when)
            for pi, when in list(arrivals.heard.items())  # another thread adds some
        }
        received = row.received_time if row else None
        waits = arrivals.waits_since
        begun = None if waits is None else now - timedelta(seconds=clock - waits)
        return Facts(
            broker=arrivals.trouble,
            due=self._board.all_late(now, heard),
            listened=arrivals.listened,
            may_listen=not arrivals.forbidden,
            picture=_latest(received, *heard.values()),
            waits=None if waits is None else clock - waits,
            refused=bool(begun and note and note > begun),
            analyzed=_latest(row.analyzed_time if row else None, note),
            node=row.processed_by if row else "",
            row=received,
            database=self._feed.answers,
        )


def _latest(*times: datetime | None) -> datetime | None:
    return max(filter(None, times), default=None)
