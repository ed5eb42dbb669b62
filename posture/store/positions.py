"""How far the ids of the table had come when: where a message's row can begin to be."""

import time
from collections import deque

from posture.store.table_shape import LOWEST

_APART = 1.0  # seconds between two positions that are kept
_KEPT = 120

# The ids are not counted, for a row may have any: what is meant are the newest rows.
NEWEST = 30_000


def newest(count: int = NEWEST) -> str:
    """An expression of the id above which there are so many rows."""
    return (
        "coalesce((SELECT id FROM posture_log ORDER BY id DESC "  # noqa: S608 - a number
        f"OFFSET {count} LIMIT 1), {LOWEST})"
    )


class Positions:
    """Ids that rows of this process got, and when; they grow from row to row.

    Every worker writes under one lock, so whatever is written after one of these rows
    has a larger id, however far apart the ids are and whatever else is in the table.
    """

    def __init__(self) -> None:
        self.trusted = False
        """Whether ids are known to grow."""
        self._noted: deque[tuple[float, int]] = deque()

    def before(self, moment: float) -> str:
        """An expression of an id that all rows exceed which were written since then.

        `moment` is one of `time.monotonic`. Where it is not known the newest rows are
        meant.
        """
        known = [number for at, number in self._noted if at <= moment]
        return str(known[-1]) if known and self.trusted else newest()

    def note(self, number: int | None) -> None:
        """A row with this id was written just now."""
        now = time.monotonic()
        if number is None:
            return
        if self._noted and number <= self._noted[-1][1]:
            self.forget()  # they have gone back: a database that has lost rows
        if self._noted and now - self._noted[-1][0] < _APART:
            return
        self._noted.append((now, number))
        # Messages that wait for a database that is away need old ones, and nothing is
        # noted meanwhile.
        while len(self._noted) > _KEPT:
            self._noted.popleft()

    def forget(self) -> None:
        """What is known of the ids may be wrong from now on."""
        self._noted.clear()
