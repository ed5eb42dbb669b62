"""The recorder: pictures on disk, then rows, then acknowledgements, in batches.

One thread of its own, so that no analyst waits for a disk or a database.
"""

import logging
import queue
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from common.postgres import DatabaseError
from posture.errors import StoppedError
from posture.mqtt.subscription import Message
from posture.store import pictures
from posture.store.posture_log import PostureLog, Row, is_permanent, write_each
from posture.vision.analyze import Analysis
from posture.worker.advisor import Advisor
from posture.worker.dedup import InHand, Written
from posture.worker.events import Events

log = logging.getLogger(__name__)

BATCH = 50  # rows in one statement
_DELAYS = (0.5, 10.0)  # seconds between attempts, first and longest
_ENOUGH = BATCH // 2  # the other half keeps the analysts at work meanwhile
_LINGER = 0.5  # seconds that a row may wait for the next one


@dataclass(frozen=True)
class Result:
    """A message that is analyzed, with the picture and the row to be kept.

    The row names a picture also when it is empty, so that none is to be kept: the name
    is how a message is recognised that comes again.
    """

    message: Message
    key: str
    row: Row
    analysis: Analysis
    seconds: float
    """Time that the analysis took."""


@dataclass(frozen=True)
class Outcome:
    """Who hears what became of a message, in the recorder's thread."""

    done: Callable[[Message], None]
    """It is written: acknowledge it."""
    refuse: Callable[[Message, str], None]
    """The database refuses it for good, with its reason."""
    recorded: Callable[[Sequence[Row]], None] | None = None
    """These rows are new in the table; whoever hears it must not wait."""
    saved: Callable[[int, int], None] | None = None
    """So many files of so many bytes are on disk; whoever hears it must not wait."""


class Recorder:
    """Writes what `put` brings, insisting while disk or database fail."""

    def __init__(
        self,
        folder: Path,
        table: PostureLog,
        in_hand: InHand,
        written: Written,
        outcome: Outcome,
        events: Events,
    ) -> None:
        """Save pictures below `folder`; `written` learns the keys of what is kept."""
        self._folder = folder
        self._table = table
        self._in_hand = in_hand
        self._written = written
        self._outcome = outcome
        self._events = events
        self._advisor = Advisor()
        self._results: queue.SimpleQueue[Result | None] = queue.SimpleQueue()
        self._enough = threading.Event()  # so many results that none need be waited for
        self._give_up = threading.Event()
        # A daemon: a database that hangs must not outlive the grace period.
        self._thread = threading.Thread(
            target=self._record_all, name="recorder", daemon=True
        )
        self.count = 0
        """Pictures recorded."""

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, result: Result) -> None:
        """Hand over one result; returns at once, as `look` does."""
        self._results.put(result)
        self.look()

    def look(self) -> None:
        """Less is in hand now: perhaps there is nothing more to wait for."""
        if self._enough_here():
            self._enough.set()

    def finish(self, timeout: float) -> None:
        """Write what was put, for `timeout` seconds at most."""
        self._results.put(None)
        self._enough.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            log.warning("out of time: what is not written yet will be delivered again")
            self._give_up.set()

    def _record_all(self) -> None:
        more = True
        while more:
            batch, more = self._next_batch()
            try:
                self._record(batch)
            except StoppedError:
                return

    def _next_batch(self) -> tuple[list[Result], bool]:
        """What is there, at least one; False with it when nothing comes after.

        While more is in hand it sleeps first, for a batch costs the disk and the
        database hardly more than one row, and a thread that wakes for each picture
        keeps the analysts from Python's lock. A picture on its own does not wait.
        """
        batch: list[Result] = []
        while len(batch) < BATCH:
            try:
                result = self._results.get(block=not batch)
            except queue.Empty:
                break
            if result is None:
                return batch, False
            batch.append(result)
            if len(batch) == 1:
                self._enough.clear()
                if not self._enough_here():
                    self._enough.wait(_LINGER)
        return batch, True

    def _enough_here(self) -> bool:
        """Half a batch, or all that is in hand: one of them is with the recorder."""
        return self._results.qsize() + 1 >= min(_ENOUGH, self._in_hand.count)

    def _record(self, batch: list[Result]) -> None:
        self._save(batch)
        # A redelivery can meet its first delivery here: one row is enough for both.
        rows = list({result.row.filename: result.row for result in batch}.values())
        known = self._known(batch)
        refused = self._write(rows)
        now = datetime.now(UTC)
        for result in batch:
            if reason := refused.get(result.row.filename):
                self._outcome.refuse(result.message, reason)
            else:
                self._recorded(result, now)
        if self._outcome.recorded:
            skipped = known | refused.keys()
            self._outcome.recorded([row for row in rows if row.filename not in skipped])

    def _recorded(self, result: Result, now: datetime) -> None:
        self._written.add(result.key, result.message.generation)
        self.count += 1
        _say(result)
        waited = (now - result.message.received).total_seconds()
        verdict = result.analysis.verdict
        self._advisor.see(result.row.pi_id, verdict)
        self._events.recorded(verdict, result.seconds, waited)
        self._outcome.done(result.message)

    def _save(self, batch: list[Result]) -> None:
        kept = {self._path(each.row): each for each in batch if each.analysis.picture}
        files = {path: each.analysis.picture for path, each in kept.items()}
        # By the time of its file a picture is found for deletion when its row is gone.
        times = {path: _seconds(each.row) for path, each in kept.items()}
        self._insist(
            lambda: pictures.save(files, times),
            "pictures",
            f"cannot save pictures in {self._folder}",
        )
        if self._outcome.saved:
            self._outcome.saved(len(files), sum(map(len, files.values())))

    def _known(self, batch: Sequence[Result]) -> set[str]:
        """What an earlier delivery has written already, if anybody wants to know.

        Such a row is in the table with the time of that delivery, and others may have
        come after it.
        """
        again = [each.row.filename for each in batch if each.message.again]
        found: set[str] = set()
        if again and self._outcome.recorded:
            self._insist(
                lambda: found.update(self._table.known(again)),
                "rows",
                "cannot read rows",
            )
        return found

    def _path(self, row: Row) -> Path:
        return pictures.folder_of(self._folder, row.pi_id) / row.filename

    def _write(self, rows: Sequence[Row]) -> dict[str, str]:
        """Write rows; gives the reasons of those refused for good, by file name."""
        refused: dict[str, str] = {}
        if rows:
            write = partial(self._try_to_write, rows, refused)
            self._insist(write, "rows", "cannot write rows")
        return refused

    def _try_to_write(self, rows: Sequence[Row], refused: dict[str, str]) -> None:
        try:
            self._table.write(rows)
        except DatabaseError as error:
            if not is_permanent(error):
                raise
            refused.update(write_each(self._table, rows))

    def _insist(self, action: Callable[[], None], part: str, what: str) -> None:
        """Do it, again and again while it fails.

        Raises:
            StoppedError: the worker ends before it succeeded.
        """
        delay, longest = _DELAYS
        while True:
            try:
                return action()
            except (DatabaseError, OSError) as error:
                log.error("%s: %s; trying again", what, error)  # noqa: TRY400 - no bug
                self._events.write_failed(part)
            # Jitter, so that many workers do not all come back at the same moment.
            if self._give_up.wait(delay * random.uniform(0.5, 1)):  # noqa: S311
                raise StoppedError(what)
            delay = min(longest, delay * 2)


def _say(result: Result) -> None:
    row, verdict = result.row, result.analysis.verdict
    facts = {
        "reason": verdict.reason,
        "rotate": verdict.rotate,
        "neck": verdict.neck,
        "body": verdict.body,
        "side": verdict.side,
        "view": verdict.view,
        "yaw": verdict.yaw,
        "confidence": verdict.confidence,
    }
    log.info(
        "analyzed pi=%s status=%s%s ms=%.0f file=%s",
        row.pi_id,
        row.posture_status,
        "".join(f" {name}={fact}" for name, fact in facts.items() if fact is not None),
        result.seconds * 1000,
        row.filename,
    )


def _seconds(row: Row) -> float:
    return row.received_time.replace(tzinfo=UTC).timestamp()
