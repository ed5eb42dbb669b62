"""What the scaler tells Prometheus about itself, at /metrics."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)
_METHODS = ("GetMetricSpec", "GetMetrics", "IsActive")
_STREAMS = ("StreamIsActive", "StreamMetricSpec")


class MasterTelemetry:
    """Whether the master's CPU is overloaded; of its monitor alone."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Tell it in `registry`, beside others, or in one of its own."""
        self.registry = registry or CollectorRegistry()
        self._overloaded = Gauge(
            "posture_master_cpu_overloaded",
            "1 while the master's CPU is above its threshold",
            registry=self.registry,
        )

    def overloaded(self, high: bool) -> None:
        """Note whether it is."""
        self._overloaded.set(high)


class ScalerTelemetry:
    """Calls, errors and times by method, and what the last answer was."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        calls = Counter(
            "posture_scaler_calls", "Calls by KEDA", ["method"], registry=self.registry
        )
        errors = Counter(
            "posture_scaler_errors",
            "Calls that failed",
            ["method"],
            registry=self.registry,
        )
        seconds = Histogram(
            "posture_scaler_call_seconds",
            "Time that a call took here",
            ["method"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        # Looked up once: with labels by name, a call would spend most of its time here.
        self._calls = {each: calls.labels(each) for each in (*_METHODS, *_STREAMS)}
        self._errors = {each: errors.labels(each) for each in (*_METHODS, *_STREAMS)}
        self._seconds = {each: seconds.labels(each) for each in _METHODS}
        self._streams = Gauge(
            "posture_scaler_open_streams",
            "Streams that are open",
            registry=self.registry,
        )
        self._wanted = Gauge(
            "posture_scaler_wanted_jobs",
            "Jobs that should exist now, by the last answer",
            registry=self.registry,
        )
        self._reason = Gauge(
            "posture_scaler_reason",
            "1 for the reason of the last answer",
            ["reason"],
            registry=self.registry,
        )
        self._backlog = Gauge(
            "posture_scaler_backlog_messages",
            "Messages at the broker, as the backlog topic tells; NaN when it does not",
            registry=self.registry,
        )
        self._backlog.set(math.nan)
        self._ages = Gauge(
            "posture_scaler_reading_age_seconds",
            "Age of the last good reading",
            ["reading"],
            registry=self.registry,
        )
        self._kind: str | None = None
        self._called = time.monotonic()
        Gauge(
            "posture_scaler_last_call_age_seconds",
            "Since KEDA last asked; at first since the start",
            registry=self.registry,
        ).set_function(lambda: time.monotonic() - self._called)
        self._polling = Gauge(
            "posture_scaler_polling_interval_seconds",
            "Between two polls of KEDA, as the ScaledJob says; NaN while it is paused "
            "or not known",
            registry=self.registry,
        )
        self._polling.set(math.nan)

    @contextmanager
    def call(self, method: str) -> Iterator[None]:
        """Count and time a call that is answered at once."""
        begun = time.perf_counter()
        self._called = time.monotonic()
        self._calls[method].inc()
        try:
            yield
        except BaseException:
            self._errors[method].inc()
            raise
        finally:
            self._seconds[method].observe(time.perf_counter() - begun)

    @contextmanager
    def stream(self, method: str) -> Iterator[None]:
        """Count a stream, while and after it is open."""
        self._calls[method].inc()
        with self._streams.track_inprogress():
            yield

    def answered(self, jobs: float, kind: str) -> None:
        """Note an answer; `kind` is its reason in one word."""
        self._wanted.set(jobs)
        if kind != self._kind:
            self._reason.clear()
            self._reason.labels(kind).set(1)
            self._kind = kind

    def unknown(self) -> None:
        """Note that no answer could be given: no number, which is not 0."""
        self.answered(math.nan, "unknown")

    def polls_every(self, seconds: float | None) -> None:
        """Note how often KEDA is to ask; None: it is paused."""
        self._polling.set(math.nan if seconds is None else seconds)

    def watch_backlog(self, backlog: Callable[[], float]) -> None:
        """Show what `backlog` gives: messages, NaN when that is not known."""
        self._backlog.set_function(backlog)

    def watch_age(self, reading: str, age: Callable[[], float]) -> None:
        """Show what `age` gives, in seconds, as the age of `reading`."""
        self._ages.labels(reading).set_function(age)
