"""A Lease: of several processes one leads, and another follows when it is gone."""

import logging
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from common.errors import OperatorError
from kube.client import Client, Object
from kube.errors import ClusterError
from kube.resources import LEASE
from kube.settings import ClusterSettings, LeaseSettings

log = logging.getLogger(__name__)

_MANAGER = "gpu-affinity-watcher"
_LEADS_FOR = 2 / 3  # of the Lease: a leader gives up before anybody else may begin
_EVERY = 1 / 8  # of the Lease: between two tries to get it, or to keep it


@dataclass(frozen=True)
class Seen:
    """Whose Lease it is, and since when, by our own clock, it has been left as it is.

    Times of other machines are not compared with ours: boards boot with wrong clocks.
    """

    holder: str = ""
    version: str = ""
    since: float = -math.inf
    seconds: float = 0.0

    def is_free(self, me: str, now: float) -> bool:
        """Whether `me` may have it at `now`, in seconds of the same clock."""
        return self.holder in ("", me) or now - self.since >= self.seconds


def seen(lease: Mapping[str, Any], before: Seen, now: float) -> Seen:
    """What one look at the Lease at `now` says. Pure."""
    spec = lease.get("spec") or {}
    version = lease["metadata"]["resourceVersion"]
    return Seen(
        spec.get("holderIdentity") or "",
        version,
        before.since if version == before.version else now,
        float(spec.get("leaseDurationSeconds") or 0),
    )


class Election:
    """Tries to get a Lease and to keep it, in a thread of its own.

    Whoever has it leads for two thirds of its time after each renewal, and a follower
    waits for all of it: so no two lead at once, whatever hangs in between.
    """

    def __init__(
        self,
        cluster: ClusterSettings,
        settings: LeaseSettings,
        works: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; a leader for whom `works` is false lets go, and another follows.

        Raises:
            ClusterError: there are no credentials that can be used.
        """
        # An API server that is silent must not take the whole Lease.
        deadline = min(cluster.deadline, settings.seconds / 4)
        self._client = Client(replace(cluster, deadline=deadline))
        self._name, self._seconds = settings.name, settings.seconds
        self._works = works
        self._clock = clock
        self.identity = (
            f"{os.environ.get('POD_NAME') or socket.gethostname()}_"
            + (uuid.uuid4().hex[:8])
        )
        self._seen = Seen()
        self._until = -math.inf
        self._problem: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        """Begin to try."""
        self._thread.start()

    def leads(self) -> bool:
        """Whether we lead now."""
        return self._clock() < self._until

    def stop(self) -> None:
        """Try no more, and leave the Lease to whoever wants it, at once."""
        self._stop.set()
        self._thread.join(self._seconds)
        if self.leads() and self._seen.holder == self.identity:
            self._until = -math.inf
            self._tell(lambda: self._write({"holderIdentity": ""}))

    def once(self) -> None:
        """Get the Lease or keep it, if that can be.

        Raises:
            ClusterError: refused, or not answered.
        """
        begun = self._clock()
        if not self._works():
            return
        if not self.leads():
            found = self._client.find(LEASE, self._name)
            if found is None:
                found = self._client.create(
                    LEASE, {"metadata": {"name": self._name}, "spec": {}}
                )
            self._seen = seen(found, self._seen, begun)
            if not self._seen.is_free(self.identity, begun):
                return
        # With the version that was seen last: of two who try, one gets it.
        self._write(self._ours())
        self._until = begun + self._seconds * _LEADS_FOR

    def _ours(self) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        wanted: Object = {"holderIdentity": self.identity, "renewTime": now}
        if self._seen.holder != self.identity:
            wanted |= {
                "acquireTime": now,
                "leaseDurationSeconds": math.ceil(self._seconds),
            }
        return wanted

    def _write(self, spec: Object) -> None:
        change = {"metadata": {"resourceVersion": self._seen.version}, "spec": spec}
        changed = self._client.patch(LEASE, self._name, change, manager=_MANAGER)
        self._seen = seen(changed, self._seen, self._clock())

    # The thread

    def _run(self) -> None:
        led = False
        while not self._stop.is_set():
            self._tell(self.once)
            if self.leads() != led:
                led = self.leads()
                log.info("%s %s", self.identity, "leads" if led else "does not lead")
            self._stop.wait(self._pause())

    def _pause(self) -> float:
        """Until the next try: sooner where the Lease of another ends before that."""
        left = self._seen.since + self._seen.seconds - self._clock()
        pause = self._seconds * _EVERY
        return min(pause, left + 0.01) if left > 0 else pause

    def _tell(self, step: Callable[[], None]) -> None:
        """Do it; what goes wrong is said once, and tried again."""
        try:
            step()
        except ClusterError as error:
            if error.status == 409:  # somebody else was faster
                self._until = -math.inf
                self._seen = replace(self._seen, holder="?")
                return
            self._say(error)
        except Exception:
            # Whatever it is: the next try begins anew, and until then nobody leads.
            log.exception("Lease %s", self._name)
        else:
            self._problem = None

    def _say(self, error: OperatorError) -> None:
        if str(error) != self._problem:
            self._problem = str(error)
            log.error("Lease %s: %s", self._name, error)
