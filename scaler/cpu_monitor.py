"""The master's CPU, watched, and pods kept off the master while it is overloaded.

A load counts only once it has lasted, and ends only well below the threshold, so that
the answer does not flap.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import psutil

from common.errors import OperatorError
from kube.cluster import Cluster
from scaler.settings import MasterSettings
from scaler.taint import set_offload

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PressureRule:
    """Percent above which the CPU is overloaded, and what keeps the answer steady.

    It ends `hysteresis` points below the threshold. Either change must have been due
    for `hold` seconds.
    """

    threshold: float
    hysteresis: float
    hold: float


@dataclass(frozen=True)
class Pressure:
    """Whether the CPU is overloaded, and since when the opposite has been due."""

    high: bool = False
    due_since: float | None = None


def next_pressure(
    state: Pressure, percent: float, now: float, rule: PressureRule
) -> Pressure:
    """The state after a reading of `percent` at `now`, in monotonic seconds."""
    if state.high:
        due = percent < rule.threshold - rule.hysteresis
    else:
        due = percent > rule.threshold
    if not due:
        return replace(state, due_since=None)
    since = now if state.due_since is None else state.due_since
    if now - since < rule.hold:
        return replace(state, due_since=since)
    return Pressure(not state.high)


class MasterMonitor:
    """Reads the CPU in a thread of its own, and taints the master's node if told to."""

    def __init__(
        self,
        settings: MasterSettings,
        cluster: Cluster,
        tell: Callable[[bool], None],
    ) -> None:
        """Prepare; `tell` is told whether the CPU is overloaded."""
        self._settings = settings
        self._cluster = cluster
        self._tell = tell
        self._rule = PressureRule(
            settings.threshold, settings.hysteresis, settings.hold
        )
        self._state = Pressure()
        self._applied: bool | None = None  # not known yet
        self._problem: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="master", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Watch no more, and take our taint away."""
        self._stop.set()
        self._thread.join(2 * self._settings.interval + 1)
        self._state = Pressure()
        self._apply()

    def trouble(self) -> str | None:
        """Why the node is not as it should be, None when it is."""
        return self._problem

    def _run(self) -> None:
        psutil.cpu_percent()  # the first call only starts the measurement
        while not self._stop.wait(self._settings.interval):
            try:
                self._read(psutil.cpu_percent())
                self._apply()
            except Exception:
                # One look that fails, however it fails, must not end the watch.
                log.exception("unexpected error with the master's CPU")

    def _read(self, percent: float) -> None:
        before = self._state.high
        self._state = next_pressure(self._state, percent, time.monotonic(), self._rule)
        if self._state.high != before:
            state = "overloaded" if self._state.high else "no longer overloaded"
            log.info("the master is %s: cpu=%.0f %%", state, percent)
            self._tell(self._state.high)

    def _apply(self) -> None:
        if self._settings.node is None or self._applied == self._state.high:
            return
        try:
            self._taint(self._settings.node, self._state.high)
        except OperatorError as error:
            # The next look tries again.
            if str(error) != self._problem:
                log.error("cannot taint %s: %s", self._settings.node, error)  # noqa: TRY400
            self._problem = str(error)
        else:
            self._applied, self._problem = self._state.high, None

    def _taint(self, name: str, wanted: bool) -> None:
        dry_run = self._settings.dry_run
        change = set_offload(self._cluster, name, wanted=wanted, dry_run=dry_run)
        if change is not None:
            doing = "taint" if wanted else "remove our taint from"
            shown = "dry run: would " if dry_run else ""
            log.info("%s%s %s: %s", shown, doing, name, change["spec"])
