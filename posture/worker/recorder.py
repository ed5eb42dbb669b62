"""The recorder: pictures on disk, then rows, then acknowledgements, in batches.

One thread of its own, so that no analyst waits for a disk or a database. What cannot be
recorded is tried again with what has come meanwhile, so that one camera whose folder is
blocked, or whose rows are refused, does not keep the others from being recorded.
"""

import logging
import queue
import random
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from common.postgres import DatabaseError
from posture.store.camera_folders import CameraFolders
from posture.store.posture_log import PostureLog, Stored, perhaps_the_row
from posture.store.row import Row
from posture.worker.advisor import Advisor
from posture.worker.dedup import InHand, Written
from posture.worker.events import Events
from posture.worker.outcome import Outcome, Repeated, Result

log = logging.getLogger(__name__)

BATCH = 50  # rows in one statement
_DELAYS = (0.5, 10.0)  # seconds between attempts, first and longest
_ENOUGH = BATCH // 2  # the other half keeps the analysts at work meanwhile
_LINGER = 0.5  # seconds that a row may wait for the next one


class Recorder:
    """Writes what `put` brings, insisting while disk or database fail."""

    def __init__(
        self,
        folder: Path,
        most_bytes: int,
        table: PostureLog,
        in_hand: InHand,
        written: Written,
        outcome: Outcome,
        events: Events,
    ) -> None:
        """Save pictures below `folder`; `written` learns the keys of what is kept.

        Of annotated pictures `most_bytes` may wait, and one more for each analyst.
        """
        self._folders = CameraFolders(folder)
        self._waiting = InHand()
        self._most_bytes = most_bytes
        self._table = table
        self._in_hand = in_hand
        self._written = written
        self._outcome = outcome
        self._events = events
        self._results: queue.SimpleQueue[Result | Repeated | None] = queue.SimpleQueue()
        self._all_failed = False  # at the last attempt, for one reason
        self._unsure: set[str] = set()  # names of rows whose commit was not answered
        self._advisor = Advisor()
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

    def put(self, result: Result | Repeated) -> None:
        """Hand over one result; returns at once, as `look` does."""
        self._waiting.take(_bytes([result]))
        self._results.put(result)
        self.look()

    def has_room(self, timeout: float) -> bool:
        """Whether one more picture may be annotated; waits `timeout` s for it."""
        return self._waiting.wait_until_few(self._most_bytes, timeout)

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
        waiting: list[Result | Repeated] = []
        more = True
        first, longest = _DELAYS
        delay = first
        while more or waiting:
            # What fails for everybody is not made larger: it waits as it is.
            batch = waiting
            if more and not (waiting and self._all_failed):
                batch, more = self._next_batch(waiting)
            waiting = self._record(batch)
            gone = _bytes(batch) - _bytes(waiting)
            self._waiting.done(gone, len(batch) - len(waiting))
            if not waiting:
                delay = first
                continue
            # Jitter, so that many workers do not all come back at the same moment.
            if self._give_up.wait(delay * random.uniform(0.5, 1)):  # noqa: S311
                return
            # Longer and longer, unless others are recorded meanwhile.
            delay = min(longest, delay * 2) if self._all_failed else first

    def _next_batch(
        self, waiting: list[Result | Repeated]
    ) -> tuple[list[Result | Repeated], bool]:
        """What waits and what is there; False with it when nothing comes after.

        While more is in hand it sleeps first, for a batch costs the disk and the
        database hardly more than one row, and a thread that wakes for each picture
        keeps the analysts from Python's lock. A picture on its own does not wait.
        """
        batch = waiting.copy()
        while len(batch) < len(waiting) + BATCH:
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

    def _record(self, batch: Sequence[Result | Repeated]) -> list[Result | Repeated]:
        """Record what can be recorded; gives what is to be tried again."""
        self._all_failed = False
        repeated = [each for each in batch if isinstance(each, Repeated)]
        results = [each for each in batch if isinstance(each, Result)]
        unconfirmed = self._confirm(repeated)
        saved, unsaved = self._save(results)
        return [*unconfirmed, *unsaved, *self._write(saved)]

    def _confirm(self, repeated: Sequence[Repeated]) -> Sequence[Repeated]:
        """Acknowledge what has its row; a database may have lost the newest ones."""
        if not repeated:
            return []
        try:
            there = self._table.confirm(
                {each.filename: each.known.id for each in repeated}
            )
        except DatabaseError as error:
            self._failed("rows", f"cannot read rows: {error}", everybody=True)
            return repeated
        for each in repeated:
            if each.filename in there or not self._outcome.lost:
                log.debug("%s is written already: acknowledged", each.filename)
                self._events.repeated()
                self._outcome.done(each.message)
            else:
                log.warning("the table has lost the row of %s", each.filename)
                self._written.discard(each.known.key)
                self._outcome.lost(each.message)
        return []

    def _save(self, results: Sequence[Result]) -> tuple[list[Result], list[Result]]:
        """Save pictures; gives the results that have theirs, and those that wait."""
        pictured = [each for each in results if each.analysis.picture]
        saved = [each for each in results if not each.analysis.picture]
        try:
            blocked = self._folders.save([each.file for each in pictured])
        except OSError as error:
            what = f"cannot save pictures in {self._folders}: {error}"
            self._failed("pictures", what, everybody=True)
            return saved, pictured
        waiting, sizes = [], []
        for each in pictured:
            trouble = blocked.get(each.row.pi_id)
            if trouble is None:
                saved.append(each)
                sizes.append(len(each.analysis.picture))
            elif trouble.lasting:
                self._outcome.refuse(each.message, trouble.reason, "folder")
            else:
                waiting.append(each)
        for trouble in blocked.values():
            self._failed("pictures", trouble.reason)
        if self._outcome.saved and sizes:
            self._outcome.saved(len(sizes), sum(sizes))
        return saved, waiting

    def _write(self, results: Sequence[Result]) -> list[Result]:
        """Write rows and tell of them; gives the results whose rows are not written."""
        # A redelivery can meet its first delivery here: one row is enough for both.
        rows = list({each.row.filename: each.row for each in results}.values())
        if not rows:
            return []
        since = min(each.since for each in results)
        try:
            stored, failed = self._try_to_write(rows, since)
            late, refused = self._at_fault(rows, failed, since)
        except DatabaseError as error:
            self._failed("rows", f"cannot write rows: {error}", everybody=True)
            self._unsure |= {row.filename for row in rows}
            return list(results)
        waiting = failed.keys() - refused - late.ids.keys()
        for name in sorted(waiting)[:1]:
            what = f"cannot write rows: {failed[name]}"
            self._failed("rows", what)
        stored = Stored({**stored.ids, **late.ids}, stored.new | late.new)
        self._tell(results, stored, refused)
        return [each for each in results if each.row.filename in waiting]

    def _try_to_write(
        self, rows: Sequence[Row], since: float
    ) -> tuple[Stored, dict[str, DatabaseError]]:
        try:
            return self._table.write(rows, since), {}
        except DatabaseError as error:
            if not perhaps_the_row(error):
                raise
            return self._table.write_each(rows, since)

    def _at_fault(
        self, rows: Sequence[Row], failed: Mapping[str, DatabaseError], since: float
    ) -> tuple[Stored, dict[str, str]]:
        """What of the failed is written after all, and what never can be, with reasons.

        A row is at fault if the table takes another one, and then still not this one:
        the table may have been mended in between.
        """
        ids: dict[str, int] = {}
        new: frozenset[str] = frozenset()
        refused: dict[str, str] = {}
        for row in rows:
            if row.filename in failed and self._table.takes_others(row):
                stored, still = self._table.write_each([row], since)
                ids |= stored.ids
                new |= stored.new
                refused |= {name: str(error) for name, error in still.items()}
        return Stored(ids, new), refused

    def _tell(
        self, results: Sequence[Result], stored: Stored, refused: dict[str, str]
    ) -> None:
        now = datetime.now(UTC)
        new: dict[str, Row] = {}
        for each in results:
            name = each.row.filename
            if reason := refused.get(name):
                self._outcome.refuse(each.message, reason, "database")
            elif name in stored.ids:
                if name in stored.new or (
                    name in self._unsure and not each.message.again
                ):
                    new[name] = each.row
                self._recorded(each, stored.ids[name], now)
        self._unsure -= stored.ids.keys() | refused.keys()
        if self._outcome.recorded and new:
            self._outcome.recorded(list(new.values()))

    def _recorded(self, result: Result, number: int, now: datetime) -> None:
        self._written.add(result.key, result.message.generation, number)
        self.count += 1
        result.say()
        waited = (now - result.message.received).total_seconds()
        verdict = result.analysis.verdict
        self._advisor.see(result.row.pi_id, verdict)
        self._events.recorded(
            verdict, result.seconds, waited, unchanged=result.unchanged
        )
        self._outcome.done(result.message)

    def _failed(self, part: str, what: str, *, everybody: bool = False) -> None:
        self._all_failed |= everybody
        self._events.write_failed(part)
        log.error("%s; trying again", what)


def _bytes(results: Sequence[Result | Repeated]) -> int:
    """Of their annotated pictures."""
    new = [each for each in results if isinstance(each, Result)]
    return sum(len(each.analysis.picture) for each in new)
