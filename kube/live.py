"""The cluster as it is now, from memory: nodes, Jobs and pods are watched."""

from dataclasses import replace

from kube.client import Object
from kube.cluster import Cluster, Snapshot
from kube.jobs import LABEL, Job, Pod, read_job, read_pod, with_pods
from kube.mirror import Mirror
from kube.nodes import Node, read_node
from kube.resources import JOB, NODE, POD
from kube.settings import ClusterSettings

# Pods that have ended are nobody's concern; without them a watch is the shorter.
_ALIVE = "status.phase!=Succeeded,status.phase!=Failed"


class LiveCluster(Cluster):
    """The same as `Cluster`, for who looks again and again.

    Only the ScaledJob is asked for at each look: what is pinned must not be old.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        """Read the credentials; nothing is connected yet.

        Raises:
            ClusterError: there are none that can be used.
        """
        super().__init__(settings)
        ours = {"labelSelector": f"{LABEL}={settings.scaledjob}"}
        self._nodes = Mirror(self, NODE, read_node)
        self._our_jobs = Mirror(self, JOB, self._job, ours)
        self._pods = Mirror(self, POD, _pod, {**ours, "fieldSelector": _ALIVE})

    def start(self) -> None:
        """Begin to watch."""
        for each in (self._nodes, self._our_jobs, self._pods):
            each.start()

    def stop(self) -> None:
        """Watch no more."""
        for each in (self._nodes, self._our_jobs, self._pods):
            each.stop()

    @property
    def lists(self) -> int:
        """How often everything of a kind has been read, over all kinds."""
        mirrors = (self._nodes, self._our_jobs, self._pods)
        return sum(each.lists for each in mirrors)

    def snapshot(self) -> Snapshot:
        """Everything that a decision needs, as it is now."""
        scaledjob = self.scaledjob()
        nodes = self.nodes()
        # Last: a gap is told once, and no failure may come between it and who asks.
        jobs, doubt = self._known_jobs()
        return Snapshot(scaledjob, nodes, jobs, doubt)

    def nodes(self) -> list[Node]:
        """All nodes."""
        return self._nodes.look()[0]

    def _jobs(self) -> list[Job]:
        return self._known_jobs()[0]

    def _known_jobs(self) -> tuple[list[Job], float]:
        pods, _ = self._pods.look()
        jobs, doubt = self._our_jobs.look()
        return with_pods(jobs, pods), doubt

    def _job(self, found: Object) -> Job | None:
        job = read_job(found, self._scaledjob)
        if job and job.state != "unfinished":
            # It counts only as one that has ended.
            return replace(job, hostname=None)
        return job


def _pod(found: Object) -> Pod | None:
    return read_pod(found) if found["metadata"].get("ownerReferences") else None
