"""The analysts: threads that turn messages into rows and annotated pictures."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from posture.errors import RefusedError, StoppedError
from posture.mqtt.message import Message
from posture.settings import WorkerSettings
from posture.store.posture_log import PostureLog
from posture.vision.cpu_affinity import Place
from posture.vision.landmarks import Finder
from posture.worker.baselines import Baselines
from posture.worker.dedup import Known, Written, fresh_key, session_mark
from posture.worker.intake import Intake
from posture.worker.isolation import Guarded
from posture.worker.outcome import Repeated, Result, row_of
from posture.worker.recall import Recall
from posture.worker.recorder import Recorder
from posture.worker.redelivery import Doubt
from posture.worker.seccomp import go_offline
from posture.worker.trackers import Trackers
from posture.worker.unchanged import Unchanged

log = logging.getLogger(__name__)

_TICK = 0.2  # seconds between looks at whether the worker ends


class Analysts:
    """One thread for each landmarker, from the inbox to the recorder."""

    def __init__(
        self,
        settings: WorkerSettings,
        guarded: Guarded,
        landmarkers: Sequence[Finder],
        trackers: Trackers,
        unchanged: Unchanged,
        table: PostureLog,
        written: Written,
        intake: Intake,
        recorder: Recorder,
    ) -> None:
        """Prepare; `written` knows what needs no analysis, for it has its row."""
        self._node = settings.node
        self._camera = settings.picture_topics.camera
        self._limit = settings.picture_deadline + settings.grace
        self._guarded = guarded
        self._trackers = trackers
        self._unchanged = unchanged
        self._written = written
        self._intake = intake
        self._inbox = intake.inbox
        self._redelivery = intake.redelivery
        self._recorder = recorder
        ends = intake.ends
        self._baselines = Baselines(table.ask, settings.preset, ends, self._move)
        mark = session_mark(settings.session_id)
        self._recall = Recall(table, written, mark, ends, self._move)
        self.doubtful = 0
        """Generation of the newest connection whose end would tell which of two equal
        pictures came again: only the broker knows."""
        self._moved = time.monotonic()
        self._working = 0  # threads that have a picture
        self._counting = threading.Lock()
        self._threads = [
            threading.Thread(
                # A daemon: a hung native call must not outlive the grace period.
                target=self._analyze_all,
                args=(landmarker,),
                name=f"analyst-{n}",
                daemon=True,
            )
            for n, landmarker in enumerate(landmarkers, 1)
        ]

    def start(self) -> None:
        """Begin to work on what comes."""
        self._recall.start()
        self._baselines.start()
        for thread in self._threads:
            thread.start()

    def finish(self, until: float) -> None:
        """Finish what is being analyzed, until that moment (`time.monotonic`)."""
        for _ in self._threads:
            self._inbox.put(None)
        for thread in self._threads:
            if not self._guarded.stuck(thread):
                thread.join(max(0.0, until - time.monotonic()))

    def standstill(self) -> str | None:
        """Why the analysts do not move any more, if so: only a new worker would.

        The worker ends by itself when a picture hangs; this is for when it cannot.
        A database or a broker that is away holds up the recorder, not the analysts.
        """
        longest, still = self._guarded.longest(), time.monotonic() - self._moved
        if longest > self._limit:
            return f"a picture has been analyzed for {longest:.0f} s"
        if self._inbox.qsize() and still > self._limit:
            return f"pictures wait and no analyst has moved for {still:.0f} s"
        return None

    def _move(self) -> None:
        self._moved = time.monotonic()

    def _doubt(self, generation: int) -> None:
        with self._counting:
            self.doubtful = max(self.doubtful, generation)

    def _analyze_all(self, landmarker: Finder) -> None:
        go_offline()
        place = Place(landmarker.core)
        while (message := self._inbox.get()) is not None:
            if place.look():
                log.info("core %s is crowded: its threads go free", landmarker.core)
            if self._may_begin():  # else it is left to the broker
                with self._at_work() as alone:
                    place.choose(alone=alone)
                    self._try(message, landmarker)

    @contextmanager
    def _at_work(self) -> Iterator[bool]:
        """Count this thread in; whether no other one works, and nothing waits."""
        with self._counting:
            self._working += 1
            alone = self._working == 1 and self._inbox.empty()
        try:
            yield alone
        finally:
            with self._counting:
                self._working -= 1

    def _try(self, message: Message, landmarker: Finder) -> None:
        try:
            self._analyze(message, landmarker)
        except StoppedError:
            return
        except RefusedError as refusal:
            self._intake.refuse(message, str(refusal), refusal.kind)
        except Exception as error:
            # Whatever one picture does must not stop the next one.
            log.exception("unexpected error with a picture of %r", message.topic)
            reason = f"unexpected {type(error).__name__}: {error}"
            self._intake.refuse(message, reason, "unexpected")

    def _may_begin(self) -> bool:
        """Wait while too many annotated pictures wait; False if the worker ends."""
        self._move()
        while not self._intake.ends() and not self._recorder.has_room(_TICK):
            self._move()
        return not self._intake.ends()

    def _analyze(self, message: Message, landmarker: Finder) -> None:
        since = self._recall.ensure(message)
        pi = self._camera(message.topic)
        equal = self._written.equal_to(message.key)
        known = self._redelivery.which(message, equal)
        if known is Doubt.ASK:
            self._doubt(message.generation)
            self._intake.leave(message)
            return
        if isinstance(known, Known):
            self._recorder.put(Repeated(message, f"{pi}_{known.key}.jpg", known))
            return
        key = fresh_key(message.key, equal)
        baseline = self._baselines.of(pi)
        begun = time.perf_counter()
        # Whoever had it in hand before did not survive, or was merely stopped.
        suspect = message.again and message.generation == 1
        find = self._trackers.finder(pi, message.received, landmarker.find)
        glance = self._unchanged.glance(pi, message.received, find)
        analysis = self._guarded.analyze(
            message.payload, glance, pi, suspect=suspect, baseline=baseline
        )
        row = row_of(message, pi, f"{pi}_{key}.jpg", analysis.verdict, self._node)
        seconds = time.perf_counter() - begun
        log.debug("picture of %s is analyzed: its row comes next", pi)
        unchanged = glance.unchanged
        self._recorder.put(
            Result(message, key, row, analysis, since, seconds, unchanged)
        )
