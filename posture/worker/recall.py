"""What earlier lives of this worker have written, asked of the table."""

import logging
import queue
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from common.postgres import DatabaseError
from posture.errors import StoppedError
from posture.mqtt.message import Message
from posture.store.posture_log import PostureLog
from posture.store.session_rows import newest_of_session
from posture.worker.dedup import Written

log = logging.getLogger(__name__)

_ENOUGH = 10_000
"""Rows of a session: more than it can have on their way at a time, many times over. A
message that comes again was in hand when a connection ended, and acknowledgements go in
the order of delivery, so no more rows of its session can be newer than its own."""
_DELAY = 5.0  # seconds between attempts
_TICK = 0.5  # seconds between looks whether the worker ends
_LAG = 60.0  # seconds by which a delivery may be later than what it repeats was written


class Recall:
    """Learns, once for each connection, which messages have a row.

    On the first connection from all earlier lives, however many rows others have
    written since; later from a twin that may have had the session meanwhile.
    """

    def __init__(
        self,
        table: PostureLog,
        written: Written,
        mark: str,
        ends: Callable[[], bool],
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; `mark` is what the keys of this session begin with.

        `ends` says whether the worker ends, so that waiting is of no use.
        `on_wait` is called while the database is away, again and again.
        """
        self._table = table
        self._written = written
        self._mark = mark
        self._ends = ends
        self._on_wait = on_wait
        self._orders: queue.SimpleQueue[queue.SimpleQueue[DatabaseError | None]]
        self._orders = queue.SimpleQueue()
        # Analysts are kept from the network, so they cannot connect to a database.
        self._thread = threading.Thread(target=self._serve, name="recall", daemon=True)
        self._lock = threading.Lock()
        self._generation = 0
        self._learned = 0  # generation
        self._at = 0.0  # when the table was asked
        self._seen: int | None = None  # id of a row; all above it may be new

    def start(self) -> None:
        """Begin; in a thread that may reach the network."""
        self._thread.start()

    def ensure(self, message: Message) -> float:
        """See to it that what may be this message's row is known.

        Gives the moment (`time.monotonic`) since which another may have written it.

        Raises:
            StoppedError: the worker ends before the database has answered.
        """
        if message.generation == self._generation and not self._owed(message):
            # Nobody else has had the session until now.
            self._seen = self._written.newest or self._seen
            return max(self._at, message.taken - _LAG)
        with self._lock:
            if message.generation < self._generation:
                return message.taken - _LAG
            while message.generation > self._generation or self._owed(message):
                try:
                    at = time.monotonic()
                    if message.session != message.generation or message.again:
                        self._have_learned()
                        self._learned = message.generation
                    self._at = at
                    self._generation = message.generation
                except DatabaseError as error:
                    log.error("cannot read rows: %s; trying again", error)  # noqa: TRY400
                    self._on_wait()
                    if self._waits(_DELAY * random.uniform(0.5, 1)):  # noqa: S311
                        raise StoppedError("cannot read rows") from error
            return max(self._at, message.taken - _LAG)

    def _waits(self, seconds: float) -> bool:
        """Wait so long; True at once when the worker ends."""
        until = time.monotonic() + seconds
        while not self._ends():
            if (left := until - time.monotonic()) <= 0:
                return False
            time.sleep(min(left, _TICK))
        return True

    def _have_learned(self) -> None:
        answer: queue.SimpleQueue[DatabaseError | None] = queue.SimpleQueue()
        self._orders.put(answer)
        while True:
            with suppress(queue.Empty):
                if error := answer.get(timeout=_TICK):
                    raise error
                return
            self._on_wait()
            if self._ends():
                raise StoppedError("cannot read rows")

    def _serve(self) -> None:
        while True:
            answer = self._orders.get()
            try:
                self._learn()
            except DatabaseError as error:
                answer.put(error)
            else:
                answer.put(None)

    def _owed(self, message: Message) -> bool:
        """A redelivery in a session that is new, says the broker: some always do."""
        return message.again and message.generation > self._learned

    def _learn(self) -> None:
        seen, count = self._seen, 0
        for stretch in newest_of_session(self._table, self._mark):
            self._written.recall(stretch.rows)
            count += len(stretch.rows)
            self._seen = max(self._seen or stretch.highest, stretch.highest)
            if count >= _ENOUGH or (seen is not None and stretch.lowest <= seen):
                break
        log.debug("%d rows of this session are in the table", count)
