"""What this system reads and changes in its cluster: nodes, ScaledJob, Jobs, pods."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kube.client import Client, Object
from kube.errors import ClusterError
from kube.jobs import LABEL, Job, our_jobs, unfinished
from kube.nodes import Node, read_node
from kube.resources import EVENT, JOB, NODE, POD, SCALEDJOB
from kube.settings import ClusterSettings

_WATCHER = "gpu-affinity-watcher"


@dataclass(frozen=True)
class Snapshot:
    """One look at everything, in four requests."""

    scaledjob: Object
    nodes: list[Node]
    jobs: list[Job]
    """Those of the ScaledJob, finished ones too."""


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

    def snapshot(self) -> Snapshot:
        """Everything that a decision needs, as it is now."""
        return Snapshot(self.scaledjob(), self.nodes(), self._jobs())

    def nodes(self) -> list[Node]:
        """All nodes."""
        return [read_node(each) for each in self.find_all(NODE)]

    def scaledjob(self) -> Object:
        """The ScaledJob as it is; `status` of the error is 404 when there is none."""
        return self.get(SCALEDJOB, self._scaledjob)

    def patch_scaledjob(self, change: Object, *, dry_run: bool = False) -> Object:
        """Merge `change` into the ScaledJob; see `Client.patch`."""
        return self.patch(
            SCALEDJOB, self._scaledjob, change, manager=_WATCHER, dry_run=dry_run
        )

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
            "source": {"component": _WATCHER},
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
