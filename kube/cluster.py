"""What this system reads and changes in its cluster: nodes, ScaledJob, Jobs, pods."""

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kube.client import Client, Object
from kube.errors import ClusterError
from kube.jobs import LABEL, Job, our_jobs, unfinished
from kube.nodes import Node, read_node
from kube.pinning import MANAGER, InAffinity, InConfigMap, Pinning
from kube.resources import EVENT, JOB, NODE, POD
from kube.settings import ADMISSION, ClusterSettings


@dataclass(frozen=True)
class Snapshot:
    """One look at everything, in four requests."""

    scaledjob: Object
    nodes: list[Node]
    jobs: list[Job]
    """Those of the ScaledJob, finished ones too."""

    doubt: float = math.inf
    """Since when, in monotonic seconds, a Job may have come and gone unseen; only the
    first look after a broken watch has one."""


class Cluster(Client):
    """The API server, asked about one ScaledJob.

    Every method raises ClusterError when it is refused, or has no answer in time.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        """Read the credentials; nothing is connected yet.

        Raises:
            ClusterError: there are none that can be used.
        """
        super().__init__(settings)
        self._scaledjob = settings.scaledjob
        kept = InConfigMap if settings.placement == ADMISSION else InAffinity
        self._pinning: Pinning = kept(self, settings.scaledjob)

    def snapshot(self) -> Snapshot:
        """Everything that a decision needs, as it is now."""
        return Snapshot(self.scaledjob(), self.nodes(), self._jobs())

    def nodes(self) -> list[Node]:
        """All nodes."""
        return [read_node(each) for each in self.find_all(NODE)]

    def scaledjob(self) -> Object:
        """The ScaledJob, pinned as its next Jobs will be.

        `status` of the error is 404 when there is none.
        """
        return self._pinning.read()

    def pin(
        self, scaledjob: Mapping[str, Any], node: str, hostname: str, decision: str
    ) -> Object:
        """Let new Jobs of the ScaledJob run on `node` only; gives it as it is then.

        `scaledjob` is what was read of it last; if it has been changed meanwhile, it is
        read again.

        Raises:
            ManifestError: its own affinity, selector or nodeName says otherwise.
        """
        return self._pinning.write(scaledjob, node, hostname, decision)

    def jobs(self) -> list[Job]:
        """The unfinished Jobs of our ScaledJob."""
        return unfinished(self._jobs())

    def end_job(self, job: Job) -> None:
        """Delete a Job with the grace its pods have; it counts until they are gone."""
        self.delete(JOB, {"metadata": {"name": job.name, "uid": job.uid}})

    def forget_pods(self, job: Job, nodes: Iterable[str]) -> None:
        """Delete a Job's pods on dead `nodes` at once: nobody there can confirm it."""
        dead = set(nodes)
        for pod in job.pods:
            if pod.node in dead and not pod.finished:
                self.delete_now(POD, pod.name)

    def record_event(
        self, scaledjob: Mapping[str, Any], reason: str, text: str, kind: str = "Normal"
    ) -> None:
        """Leave an Event that `kubectl describe scaledjob` shows."""
        metadata = scaledjob["metadata"]
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "metadata": {"generateName": f"{metadata['name'][:40]}."},
            "involvedObject": {
                "apiVersion": scaledjob["apiVersion"],
                "kind": scaledjob["kind"],
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            "reason": reason,
            "message": text[:1024],
            "type": kind,
            "source": {"component": MANAGER},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        self.create(EVENT, event)

    def _jobs(self) -> list[Job]:
        selector = f"{LABEL}={self._scaledjob}"
        jobs, pods = self.find_all(JOB, selector), self.find_all(POD, selector)
        return our_jobs(jobs, pods, self._scaledjob)


class Opened:
    """Opens the cluster once, when first needed; a failure is waited for once, too."""

    def __init__(self, open_cluster: Callable[[], Cluster]) -> None:
        self._open = open_cluster
        self._lock = threading.Lock()
        self._cluster: Cluster | None = None
        self._failure: ClusterError | None = None

    def __call__(self) -> Cluster:
        """The cluster, once it has answered.

        Raises:
            ClusterError: it cannot be reached.
        """
        with self._lock:
            if self._failure:
                raise self._failure
            if self._cluster is None:
                self._cluster = self._try()
            return self._cluster

    def _try(self) -> Cluster:
        try:
            cluster = self._open()
            cluster.version()
        except ClusterError as error:
            self._failure = error
            raise
        return cluster
