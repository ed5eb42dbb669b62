"""Look after look of the watcher, while it leads, until it is told to stop."""

import logging
import time

from common.errors import OperatorError
from common.signals import Stop
from kube.cluster import Cluster
from kube.lease import Election
from placement.loads.source import LoadSource
from placement.metrics import Report
from placement.settings import WatcherSettings
from placement.watcher import Watcher

log = logging.getLogger("placement.watcher")

_STUCK = 5  # looks in a row that must be missing before /healthz says so
_TICK = 0.25  # seconds between looks whether we lead by now


class WatcherLoop:
    """A watcher at an interval; with a Lease only while we hold it."""

    def __init__(
        self,
        settings: WatcherSettings,
        cluster: Cluster,
        source: LoadSource,
        report: Report,
        *,
        dry_run: bool = False,
    ) -> None:
        """Prepare.

        Raises:
            ClusterError: there are no credentials that can be used.
        """
        self._settings = settings
        self._cluster = cluster
        self._source = source
        self._report = report
        self._dry_run = dry_run
        self._watcher: Watcher | None = None
        self._looked = time.monotonic()
        self.stop = Stop()
        self._election = (
            Election(settings.cluster, settings.lease, lambda: self.trouble() is None)
            if settings.lease.name and not dry_run
            else None
        )

    def run(self) -> None:
        """Look until `stop` is set."""
        if self._election:
            self._election.start()
        while not self.stop.is_set():
            if self._leads():
                self._one_look()
            else:
                self._wait_for_the_lead()
        if self._election:
            self._election.stop()
        log.info("stopped")

    def trouble(self) -> str | None:
        """What /healthz complains about: looks that do not come back."""
        silent = time.monotonic() - self._looked
        if silent > max(60.0, _STUCK * self._settings.interval):
            return f"the last look ended {silent:.0f} s ago"
        return None

    def _leads(self) -> bool:
        return self._election is None or self._election.leads()

    def _wait_for_the_lead(self) -> None:
        if self._watcher or self._report.leads:
            # What was remembered is old by the time that we lead again.
            self._watcher = None
            self._report.stand_by()
            log.info("another watcher works, or nobody can: waiting for the Lease")
        self._looked = time.monotonic()
        self.stop.wait(_TICK)

    def _one_look(self) -> None:
        if self._watcher is None:
            self._report.leads = True
            self._watcher = self._new_watcher()
        begun = time.monotonic()
        self._look(self._watcher, begun)
        self._looked = time.monotonic()
        until = begun + self._settings.interval
        while self._leads() and not self.stop.is_set():
            if (left := until - time.monotonic()) <= 0:
                break
            self.stop.wait(left if self._election is None else min(left, _TICK))

    def _new_watcher(self) -> Watcher:
        return Watcher(
            self._settings,
            self._cluster,
            self._source,
            self._report,
            dry_run=self._dry_run,
            leads=self._leads,
        )

    def _look(self, watcher: Watcher, now: float) -> None:
        try:
            watcher.look(now, time.time())
        except OperatorError as error:
            self._report.errors.labels("look").inc()
            watcher.say("look", f"{error}; trying again", logging.ERROR)
        except Exception:
            # A daemon outlives what nobody has thought of; the next look begins anew.
            self._report.errors.labels("unexpected").inc()
            log.exception("this look failed")
        else:
            watcher.say("look", "looking", logging.DEBUG)
