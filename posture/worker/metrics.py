"""What the worker tells Prometheus about itself, at /metrics.

Nothing that a camera says is a label, so neither a hostile topic nor a thousand cameras
make more series; what belongs to a camera is told by the live page, from the table.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from common.status_port import StatusPort
from posture.errors import REFUSALS
from posture.settings import WorkerSettings
from posture.vision.camera_settings import ROTATIONS
from posture.vision.reason import Reason
from posture.vision.verdict import Status, Verdict
from posture.worker.dedup import InHand
from posture.worker.events import Events

_PREFIX = "posture_worker"
_JUDGED = "none"
_ANALYSIS = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10)
_NEWS = 600.0  # seconds that a lost session is told at /healthz
_DELAY = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Telemetry(Events):
    """Counters, times, and what the worker has in hand, in a registry of their own."""

    def __init__(self, node: str, model: str) -> None:
        """Begin at 0; `node` and `model` tell this worker from others."""
        # A series more for each counter, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        about = Info(_PREFIX, "Which worker this is", registry=self.registry)
        about.info({"node": node, "model": model})
        self._standstill: Callable[[], str | None] = lambda: None
        self._stalled: Callable[[], str | None] = lambda: None
        self._in_hand = self._gauge("in_hand", "Messages taken and not yet done")
        self._bytes = self._gauge("in_hand_bytes", "Their bytes")
        self._connected = self._gauge("connected", "1 while pictures can come")
        self._ready = self._gauge("ready_time_seconds", "When they first could")
        self._last = self._gauge("last_recorded_time_seconds", "The last row's commit")
        self._analysis = self._histogram(
            "analysis_seconds", "From a message to an annotated picture", _ANALYSIS
        )
        self._delay = self._histogram(
            "delay_seconds", "From the arrival of a picture to its row", _DELAY
        )
        self._pictures = self._counters(
            "pictures", "Rows committed", "status", (each.value for each in Status)
        )
        self._judged = self._counters(
            "judged",
            "Rows by the reason why nobody was judged; none where somebody was",
            "reason",
            (_JUDGED, *Reason),
        )
        self._turned = self._counters(
            "turned",
            "Rows of turned pictures, by the degrees that ROTATE should have",
            "rotate",
            map(str, ROTATIONS[1:]),
        )
        self._refused = self._counters(
            "refused", "Messages put into quarantine", "kind", REFUSALS
        )
        self._failures = self._counters(
            "write_errors", "Attempts that failed", "part", ("pictures", "rows")
        )
        self._repeated = Counter(
            f"{_PREFIX}_repeated",
            "Messages that came again after their row was committed",
            registry=self.registry,
        )
        self._unchanged = Counter(
            f"{_PREFIX}_unchanged",
            "Rows with the landmarks of the camera's picture before (UNCHANGED)",
            registry=self.registry,
        )
        self._sessions_lost = Counter(
            f"{_PREFIX}_sessions_lost",
            "Times that the broker had lost our session, and what waited in it",
            registry=self.registry,
        )
        self._lost_at = -math.inf

    def trouble(self) -> str | None:
        """What /healthz is to say: nothing is analyzed, or a session was lost."""
        if time.monotonic() - self._lost_at > _NEWS:
            return self._stalled()
        return "the broker has lost our session, and the pictures that waited in it"

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", text, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Iterable[float]) -> Histogram:
        return Histogram(
            f"{_PREFIX}_{name}", text, buckets=tuple(buckets), registry=self.registry
        )

    def _counters(
        self, name: str, text: str, label: str, values: Iterable[str]
    ) -> dict[str, Counter]:
        """One for each value: none is looked up later, and all begin at 0."""
        made = Counter(f"{_PREFIX}_{name}", text, [label], registry=self.registry)
        return {value: made.labels(value) for value in values}

    def watch(
        self,
        in_hand: InHand,
        subscribed: threading.Event,
        standstill: Callable[[], str | None],
        stalled: Callable[[], str | None],
    ) -> None:
        """Look there when somebody asks, so that no picture costs anything for it."""
        self._standstill = standstill
        self._stalled = stalled
        self._in_hand.set_function(lambda: in_hand.count)
        self._bytes.set_function(lambda: in_hand.bytes)
        self._connected.set_function(subscribed.is_set)

    def standstill(self) -> str | None:
        """Why the worker does not move, if so; None while it starts."""
        return self._standstill()

    def ready(self) -> None:
        """Note the time."""
        self._ready.set_to_current_time()

    def recorded(
        self,
        verdict: Verdict,
        seconds: float,
        waited: float,
        *,
        unchanged: bool = False,
    ) -> None:
        """Count by status, reason and turn, and note how long."""
        self._pictures[verdict.status].inc()
        self._unchanged.inc(unchanged)
        self._judged[verdict.reason or _JUDGED].inc()
        if verdict.rotate is not None:
            self._turned[str(verdict.rotate)].inc()
        self._analysis.observe(seconds)
        # A clock that is set back must not make a sum smaller.
        self._delay.observe(max(0.0, waited))
        self._last.set_to_current_time()

    def session_lost(self) -> None:
        """Count, and note the time."""
        self._sessions_lost.inc()
        self._lost_at = time.monotonic()

    def repeated(self) -> None:
        """Count."""
        self._repeated.inc()

    def refused(self, kind: str) -> None:
        """Count by kind."""
        self._refused[kind].inc()

    def write_failed(self, part: str) -> None:
        """Count by part."""
        self._failures[part].inc()


@contextmanager
def told(settings: WorkerSettings) -> Iterator[Events]:
    """Telemetry on the port that the settings name.

    Raises:
        OperatorError: the port cannot be opened.
    """
    telemetry = Telemetry(settings.node, settings.model)
    port = StatusPort(
        settings.metrics_address,
        settings.metrics_port,
        telemetry.registry,
        telemetry.trouble,
        setting="METRICS_PORT",
        standstill=telemetry.standstill,
    )
    with closing(port):
        yield telemetry
