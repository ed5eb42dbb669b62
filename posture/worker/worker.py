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
import time
from collections.abc import Callable, Sequence

from common.signals import Stop
from posture.mqtt.message import Message
from posture.mqtt.subscription import Subscription, Wish
from posture.results.publish import Results
from posture.settings import WorkerSettings
from posture.store.posture_log import PostureLog
from posture.vision.landmarks import Finder
from posture.worker.analysts import Analysts
from posture.worker.dedup import Written
from posture.worker.events import Events
from posture.worker.intake import Intake
from posture.worker.isolation import Guarded
from posture.worker.outcome import Outcome
from posture.worker.recorder import BATCH, Recorder
from posture.worker.trackers import Trackers
from posture.worker.unchanged import Unchanged

log = logging.getLogger(__name__)

_LEFT = 1 / 32  # of the bytes allowed, at which a pause ends
_TICK = 0.2  # seconds between looks at the clock
_LAST_WORDS = 2.0  # seconds that the last results may take to reach the broker


class Worker:
    """Takes pictures from the broker until it is told to stop."""

    def __init__(
        self,
        settings: WorkerSettings,
        guarded: Guarded,
        landmarkers: Sequence[Finder],
        trackers: Trackers,
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
        self._guarded = guarded
        self._retiring = wish == "unsubscribe"
        self._stop = stop
        self._finishing = False  # of itself: the stop may be that of others too
        self._asked = 0  # generation of the connection that was ended for its doubts
        self._results = _results(settings)
        # Of the messages on their way only one in so many is this worker's.
        window = (2 * len(landmarkers) + BATCH) * settings.workers

        def subscription(take: Callable[[Message], None]) -> Subscription:
            return self._subscription(take, window, on_ready, wish)

        self.intake = Intake(settings, self._events, self._ends, subscription)
        self.subscription = self.intake.subscription
        self._in_hand = self.intake.in_hand
        written = Written()
        self._recorder = self._record(table, written, saved)
        self.intake.on_done = self._recorder.look
        self._analysts = Analysts(
            settings,
            guarded,
            landmarkers,
            trackers,
            Unchanged(settings.unchanged),
            table,
            written,
            self.intake,
            self._recorder,
        )
        self._events.watch(
            self._in_hand,
            self.subscription.subscribed,
            self._analysts.standstill,
            self._stalled,
        )

    def _subscription(
        self,
        take: Callable[[Message], None],
        window: int,
        on_ready: Callable[[], None],
        wish: Wish,
    ) -> Subscription:
        settings = self._settings
        return Subscription(
            settings.broker,
            settings.session_id,
            settings.topic,
            take,
            window=window,
            on_ready=on_ready,
            wish=wish,
            on_lost_session=self._session_lost,
        )

    def _record(
        self,
        table: PostureLog,
        written: Written,
        saved: Callable[[int, int], None] | None,
    ) -> Recorder:
        outcome = Outcome(
            self.intake.done,
            self.intake.refuse,
            self._results.offer if self._results else None,
            saved,
            self.intake.analyze_again,
        )
        return Recorder(
            self._settings.pictures,
            self._settings.memory_mb << 20,
            table,
            self._in_hand,
            written,
            outcome,
            self._events,
        )

    def start(self) -> None:
        """Subscribe, and begin to work on what comes."""
        self._analysts.start()
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
                if self.intake.too_much.is_set():
                    self._pause()
                elif self._analysts.doubtful > self._asked:
                    log.info("equal pictures: asking the broker which they are")
                    self._asked = self._analysts.doubtful
                    self.subscription.look_again()
        finally:
            self._finish()
            ended = self._end_session() if idle and self._retiring else True
            self.subscription.stop()
        return idle and ended

    def _end_session(self) -> bool:
        """Take it away, now that nothing waits in it and nothing more comes."""
        if self.intake.left:
            log.error("a picture has come at the last moment: retire again")
            return False
        ended = self.subscription.end()
        if not ended:
            log.error(
                "the session %s is another client's now, and stays",
                self.subscription.client_id,
            )
        return ended

    def _stalled(self) -> str | None:
        """Why pictures wait and none becomes a row, if so, whoever is at fault.

        No single picture may take longer, so one that does is no slow one.
        """
        still = self._in_hand.still_for()
        if still <= self._settings.picture_deadline:
            return None
        return (
            f"{self._in_hand.count} pictures wait, and none has been analyzed and "
            f"recorded for {still:.0f} s: see the log"
        )

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
        few = int(_LEFT * (self._settings.memory_mb << 20))
        while not self._stop.is_set() and not self._in_hand.wait_until_few(few, _TICK):
            self._guarded.check()
        self.intake.too_much.clear()
        self.intake.left = False
        if not self._stop.is_set():
            self.subscription.start()

    def _finish(self) -> None:
        """Finish what is being analyzed, write it, acknowledge it, disconnect."""
        self._finishing = True
        until = time.monotonic() + self._settings.grace
        self._analysts.finish(until)
        self._recorder.finish(max(0.0, until - time.monotonic()))
        if self._results:
            self._results.finish(min(_LAST_WORDS, max(0.0, until - time.monotonic())))
        self._guarded.close()
        log.info("stopped; %d pictures recorded", self._recorder.count)

    def _session_lost(self) -> None:
        self._events.session_lost()
        if self._results:
            self._results.session_lost()


def _results(settings: WorkerSettings) -> Results | None:
    if not settings.results.publish:
        return None
    return Results(
        settings.broker, settings.results, settings.session_id, settings.pictures
    )
