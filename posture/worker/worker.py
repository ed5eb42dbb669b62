"""The worker: from the subscription through the analysts to the recorder.

    network thread --(inbox)--> analysts --(results)--> recorder

An analyst turns a message into an annotated picture and a row. The recorder saves the
pictures, so that no analyst waits for a disk, writes the rows in batches over the one
database connection, and only then acknowledges the messages.
The network thread waits for nobody, but a moment when too much is in hand.
What is not acknowledged when the worker ends, however it ends, the broker delivers
again; what was written before is recognised by its name.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from common.signals import Stop
from posture.errors import RefusedError, StoppedError
from posture.mqtt.message import Message
from posture.mqtt.subscription import Subscription, Wish
from posture.results.publish import Results
from posture.settings import WorkerSettings
from posture.store.posture_log import PostureLog
from posture.store.quarantine import Quarantine
from posture.vision.cpu_affinity import stay_on
from posture.vision.landmarks import Landmarker
from posture.vision.payload import pi_name
from posture.worker.dedup import (
    InHand,
    Known,
    Written,
    key_of,
    session_mark,
)
from posture.worker.events import Events
from posture.worker.isolation import Guarded
from posture.worker.outcome import Outcome, Repeated, Result, row_of
from posture.worker.recall import Recall
from posture.worker.recorder import BATCH, Recorder
from posture.worker.redelivery import Doubt, Redelivery
from posture.worker.seccomp import go_offline

log = logging.getLogger(__name__)

_LEFT = 1 / 32  # of the bytes allowed, at which a pause ends
_BRAKE = 1.0  # seconds that the network thread waits at most, far below any keepalive
_TICK = 0.2  # seconds between looks at the clock
_LAST_WORDS = 2.0  # seconds that the last results may take to reach the broker


class Worker:
    """Takes pictures from the broker until it is told to stop."""

    def __init__(
        self,
        settings: WorkerSettings,
        guarded: Guarded,
        landmarkers: Sequence[Landmarker],
        table: PostureLog,
        on_ready: Callable[[], None],
        stop: Stop,
        wish: Wish = "subscribe",
        events: Events | None = None,
        saved: Callable[[int, int], None] | None = None,
    ) -> None:
        """Prepare; `on_ready` is called when pictures begin to come, `stop` ends it.

        `saved` hears of files on disk and their bytes.
        Each landmarker gets an analyst of its own.
        """
        self._settings = settings
        self._events = events or Events()
        self._retiring = wish == "unsubscribe"
        self._left = False  # a message has been left to the broker
        self._share = settings.share
        self._most_bytes = settings.memory_mb << 20
        self._quarantine = Quarantine(
            settings.quarantine,
            settings.quarantine_mb << 20,
            payloads=settings.keeps_payloads,
        )
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._in_hand = InHand()
        self._written = Written()
        mark = session_mark(settings.session_id)
        self._recall = Recall(table, self._written, mark, stop, self._move)
        self._stop = stop
        self._finishing = False  # of itself: the stop may be that of others too
        self._redelivery = Redelivery()
        self._ask_broker = threading.Event()
        self._too_much = threading.Event()
        self._guarded = guarded
        self._analysts = [
            threading.Thread(
                # A daemon: a hung native call must not outlive the grace period.
                target=self._analyze_all,
                args=(landmarker,),
                name=f"analyst-{n}",
                daemon=True,
            )
            for n, landmarker in enumerate(landmarkers, 1)
        ]
        self._results = (
            Results(settings.broker, settings.results, settings.session_id)
            if settings.results.publish
            else None
        )
        self._recorder = Recorder(
            settings.pictures,
            table,
            self._in_hand,
            self._written,
            Outcome(
                self._done,
                self._refuse,
                self._results.offer if self._results else None,
                saved,
                self._analyze_again,
            ),
            self._events,
        )
        self.subscription = Subscription(
            settings.broker,
            settings.session_id,
            settings.topic,
            self._take,
            # Of the messages on their way only one in so many is this worker's.
            window=(2 * len(self._analysts) + BATCH) * settings.workers,
            on_ready=on_ready,
            wish=wish,
            on_lost_session=self._session_lost,
        )
        self._moved = time.monotonic()
        self._events.watch(self._in_hand, self.subscription.subscribed, self.standstill)

    def start(self) -> None:
        """Subscribe, and begin to work on what comes."""
        self._recall.start()
        for analyst in self._analysts:
            analyst.start()
        self._recorder.start()
        self.subscription.start()
        if self._results:
            self._results.start(self.subscription.subscribed)

    def run(self) -> bool:
        """Work until a stop is requested or there was nothing to do for long enough.

        Idle time counts while the worker is subscribed. True when that ended it.

        Raises:
            StuckError: a picture takes for ever; what else is in hand is finished.
        """
        self._in_hand.restart_idle_clock()
        idle = False
        try:
            while not self._stop.wait(_TICK) and not (idle := self._idle_enough()):
                self._guarded.check()
                if self._too_much.is_set():
                    self._pause()
                elif self._ask_broker.is_set():
                    log.info("equal pictures: asking the broker which they are")
                    self._ask_broker.clear()
                    self.subscription.look_again()
        finally:
            self._finish()
            ended = self._end_session() if idle and self._retiring else True
            self.subscription.stop()
        return idle and ended

    def _end_session(self) -> bool:
        """Take it away, now that nothing waits in it and nothing more comes."""
        if self._left:
            log.error("a picture has come at the last moment: retire again")
            return False
        ended = self.subscription.end()
        if not ended:
            log.error(
                "the session %s is another client's now, and stays",
                self.subscription.client_id,
            )
        return ended

    def standstill(self) -> str | None:
        """Why the analysts do not move any more, if so: only a new worker would.

        The worker ends by itself when a picture hangs; this is for when it cannot.
        A database or a broker that is away holds up the recorder, not the analysts.
        """
        limit = self._settings.picture_deadline + self._settings.grace
        longest, still = self._guarded.longest(), time.monotonic() - self._moved
        if longest > limit:
            return f"a picture has been analyzed for {longest:.0f} s"
        if self._inbox.qsize() and still > limit:
            return f"pictures wait and no analyst has moved for {still:.0f} s"
        return None

    def _ends(self) -> bool:
        return self._finishing or self._stop.is_set()

    def _idle_enough(self) -> bool:
        limit = self._settings.exit_when_idle
        if limit is None or not self.subscription.subscribed.is_set():
            return False
        # After an outage of the broker there was no picture because none could come.
        idle = min(self._in_hand.idle_for(), self.subscription.subscribed_for())
        if idle >= limit:
            log.info("nothing to do for %.0f s: ending", idle)
        return idle >= limit

    def _pause(self) -> None:
        """Too many bytes are waiting for long: disconnect, and come back for more.

        A few are left to the analysts while the connection is made; what has not been
        acknowledged by then comes twice.
        """
        log.info(
            "%d MB are waiting, more than %d: taking no more until most are done",
            self._in_hand.bytes >> 20,
            self._settings.memory_mb,
        )
        self.subscription.stop()
        few = int(_LEFT * self._most_bytes)
        while not self._stop.is_set() and not self._in_hand.wait_until_few(few, _TICK):
            self._guarded.check()
        self._too_much.clear()
        self._left = False
        if not self._stop.is_set():
            self.subscription.start()

    def _finish(self) -> None:
        """Finish what is being analyzed, write it, acknowledge it, disconnect."""
        self._finishing = True
        until = time.monotonic() + self._settings.grace
        for _ in self._analysts:
            self._inbox.put(None)
        for analyst in self._analysts:
            if not self._guarded.stuck(analyst):
                analyst.join(max(0.0, until - time.monotonic()))
        self._recorder.finish(max(0.0, until - time.monotonic()))
        if self._results:
            self._results.finish(min(_LAST_WORDS, max(0.0, until - time.monotonic())))
        self._guarded.close()
        log.info("stopped; %d pictures recorded", self._recorder.count)

    # The network thread

    def _session_lost(self) -> None:
        self._events.session_lost()
        if self._results:
            self._results.session_lost()

    def _take(self, message: Message) -> None:
        self._redelivery.count(message.generation)
        if not self._share.owns(message.topic, message.payload):
            self.subscription.acknowledge(message)
            return
        if self._ends() or self._too_much.is_set():
            self._left = True
            return  # not acknowledged, so it comes again
        in_hand = self._in_hand.take(len(message.payload))
        self._inbox.put(replace(message, key=self._key(message)))
        if in_hand > self._most_bytes:
            self._brake()

    def _key(self, message: Message) -> str:
        number = message.mid if message.qos else None
        key = key_of(
            self._settings.session_id,
            "retained" if message.retained else number,
            message.topic,
            message.payload,
            message.properties,
        )
        if message.retained:
            return self._redelivery.retained(key)
        if not message.qos:
            return key
        return self._redelivery.observe(message, key)

    def _brake(self) -> None:
        # What is not read keeps the broker from sending more, and acknowledgements go
        # out between two messages. A worker that stands still must not hold up pings.
        if not self._in_hand.wait_until_few(self._most_bytes, _BRAKE):
            self._too_much.set()

    # The analysts' threads

    def _move(self) -> None:
        self._moved = time.monotonic()

    def _analyze_all(self, landmarker: Landmarker) -> None:
        go_offline()
        stay_on(landmarker.core)
        while (message := self._inbox.get()) is not None:
            self._move()
            if self._ends():
                continue  # not begun, so left to the broker
            try:
                self._analyze(message, landmarker)
            except StoppedError:
                continue
            except RefusedError as refusal:
                self._refuse(message, str(refusal), refusal.kind)
            except Exception as error:
                # Whatever one picture does must not stop the next one.
                log.exception("unexpected error with a picture of %r", message.topic)
                reason = f"unexpected {type(error).__name__}: {error}"
                self._refuse(message, reason, "unexpected")

    def _analyze(self, message: Message, landmarker: Landmarker) -> None:
        since = self._recall.ensure(message)
        pi = pi_name(message.topic)
        known = self._redelivery.which(message, self._written.equal_to(message.key))
        if known is Doubt.ASK:
            self._ask_broker.set()  # it stays with the broker, and comes again
            self._in_hand.done(len(message.payload))
            return
        if isinstance(known, Known):
            self._recorder.put(Repeated(message, f"{pi}_{known.key}.jpg", known))
            return
        key = self._written.fresh_key(message.key)
        begun = time.perf_counter()
        # Whoever had it in hand before did not survive, or was merely stopped.
        suspect = message.again and message.generation == 1
        analysis = self._guarded.analyze(
            message.payload, landmarker.find, pi, suspect=suspect
        )
        row = row_of(message, f"{pi}_{key}.jpg", analysis.verdict, self._settings.node)
        seconds = time.perf_counter() - begun
        log.debug("picture of %s is analyzed: its row comes next", pi)
        self._recorder.put(Result(message, key, row, analysis, since, seconds))

    def _refuse(self, message: Message, reason: str, kind: str) -> None:
        name = f"{message.received:%Y%m%dT%H%M%S}_{message.key[-12:]}"
        log.warning("refused a message of %r: %s", message.topic[:80], reason)
        self._quarantine.keep(name, message.topic, message.payload, reason)
        self._events.refused(kind)
        self._done(message)

    # The recorder's thread

    def _analyze_again(self, message: Message) -> None:
        if not self._ends():  # else it is left to the broker
            self._inbox.put(message)

    # For all of them

    def _done(self, message: Message) -> None:
        if self.subscription.acknowledge(message):
            self._redelivery.done(message)
        self._in_hand.done(len(message.payload))
        self._recorder.look()
