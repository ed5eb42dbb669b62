"""Taking down what a run has put up, and nothing else. Every part may be gone already.

Kept: the database, the pictures, the broker's session with what waits in it, and the
logs. A part that cannot be taken down never keeps the others from it.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import processes
from common.errors import OperatorError
from kube.cluster import Cluster, Opened
from kube.errors import ClusterError
from kube.helm import release_of
from kube.jobs import LABEL, is_owned
from kube.objects import is_of_chart, is_ours, maker
from kube.resources import CONFIGMAP, JOB, NODE, POD, SCALEDJOB, SECRET, Kind
from launcher import in_cluster
from launcher.image.docker import Docker
from launcher.manifests import SETTINGS
from launcher.run_dir import Trace
from launcher.steps import Step
from scaler.taint import offload_change, set_offload

_NOTHING = "nothing there"


@dataclass(frozen=True)
class Stopping:
    """The steps of a stop; with `dry_run` they only say what they would do."""

    cluster: Opened
    docker: Docker
    trace: Trace
    scaledjob: str
    patched: Path
    gone_within: float = 12.0
    dry_run: bool = False

    def steps(self, *, settings_too: bool) -> list[Step]:
        """All of them; the last removes Secret and ConfigMap if `settings_too`."""
        chosen = [
            Step("helpers", "end our helper processes", self.end_helpers),
            Step("in cluster", "delete our Deployments", self.remove_in_cluster),
            Step("containers", "remove our containers", self.remove_containers),
            Step("scaledjob", "delete our ScaledJob", self.delete_scaledjob),
            Step("jobs", "delete its Jobs, wait for their pods", self.delete_jobs),
            Step("taint", "take our taint off the nodes", self.remove_taints),
            Step("files", "remove the files of the run", self.remove_files),
        ]
        if settings_too:
            step = Step("settings", "delete Secret and ConfigMap", self.delete_settings)
            chosen.insert(-1, step)
        return chosen

    def end_helpers(self) -> str:
        """End keeper, watcher and scaler by their records, the keeper first.

        Raises:
            OperatorError: one could not be ended.
        """
        said, problems = [], []
        for name, record in self.trace.helpers.items():
            try:
                self.trace.check_record(name)
                done = self._end(record)
            except OperatorError as error:
                problems.append(f"{name}: {error}")
            else:
                said += [f"{name} {done}"] if done else []
        if problems:
            raise OperatorError("; ".join(problems + said))
        return ", ".join(said) or _NOTHING

    def _end(self, record: Path) -> str | None:
        if not self.dry_run:
            return processes.end(record)
        pid = processes.running(record)
        return f"would end pid {pid}" if pid else None

    def remove_in_cluster(self) -> str:
        """Delete scaler and watcher in the cluster, if the launcher has put them there.

        Raises:
            ClusterError: refused.
        """
        removed = in_cluster.remove(
            self.cluster(), self.scaledjob, dry_run=self.dry_run
        )
        said = self._did("deleted", removed.done)
        return f"{said}; {removed}" if removed.left else said

    def remove_containers(self) -> str:
        """Remove what the launcher has started in Docker.

        Without Docker there is nothing of ours in it.
        """
        try:
            found = self.docker.remove_containers(dry_run=self.dry_run)
        except OperatorError:
            return "no Docker here"
        return self._did("removed", found)

    def delete_scaledjob(self) -> str:
        """Delete the ScaledJob, so that no new Job comes.

        Raises:
            ClusterError: it could not be deleted.
        """
        return self._delete(SCALEDJOB, self.scaledjob)

    def delete_jobs(self) -> str:
        """Delete the Jobs of our ScaledJob, and wait until their pods are gone too.

        Raises:
            ClusterError: something is still there when the time is over.
        """
        cluster = self.cluster()
        scaledjob = cluster.find(SCALEDJOB, self.scaledjob)
        if scaledjob is not None and not is_ours(scaledjob):
            return "left alone, like their ScaledJob"
        found = self._jobs(cluster)
        pods = self._pods(cluster, found)
        if not self.dry_run:
            for job in found:
                cluster.delete(JOB, job)
            limit = self.gone_within + max(map(_grace, pods), default=0)
            self._wait_until_gone(cluster, pods, limit)
        return self._did("deleted", [_name(each) for each in found])

    def _jobs(self, cluster: Cluster) -> list[Mapping[str, Any]]:
        found = cluster.find_all(JOB, f"{LABEL}={self.scaledjob}")
        return [each for each in found if is_owned(each, self.scaledjob)]

    def _pods(
        self, cluster: Cluster, jobs: Iterable[Mapping[str, Any]]
    ) -> list[Mapping[str, Any]]:
        owners = {each["metadata"]["uid"] for each in jobs}
        found = cluster.find_all(POD, f"{LABEL}={self.scaledjob}")
        return [
            pod
            for pod in found
            if any(
                owner["uid"] in owners
                for owner in pod["metadata"].get("ownerReferences") or ()
            )
        ]

    def _wait_until_gone(
        self, cluster: Cluster, pods: list[Mapping[str, Any]], limit: float
    ) -> None:
        until = time.monotonic() + limit
        while left := self._left(cluster, pods):
            if time.monotonic() > until:
                raise ClusterError(
                    f"still there after {limit:g} s: {', '.join(left)}; {_hint(left)}"
                )
            time.sleep(0.2)

    def _left(self, cluster: Cluster, pods: list[Mapping[str, Any]]) -> list[str]:
        """What is not gone yet, as kind/name."""
        ours = {pod["metadata"]["uid"] for pod in pods}
        left = [f"Job/{_name(each)}" for each in self._jobs(cluster)]
        if pods:
            left += [
                f"Pod/{_name(pod)}"
                for pod in cluster.find_all(POD, f"{LABEL}={self.scaledjob}")
                if pod["metadata"]["uid"] in ours
            ]
        scaledjob = cluster.find(SCALEDJOB, self.scaledjob)
        if scaledjob and "deletionTimestamp" in scaledjob["metadata"]:
            left.append(f"ScaledJob/{self.scaledjob}")
        return left

    def remove_taints(self) -> str:
        """Take the taint that the scaler has set off every node.

        Raises:
            ClusterError: refused.
        """
        cluster = self.cluster()
        done = []
        for node in cluster.find_all(NODE):
            if offload_change(node, wanted=False) is not None:
                set_offload(cluster, _name(node), wanted=False, dry_run=self.dry_run)
                done.append(_name(node))
        return self._did("taken off", done)

    def delete_settings(self) -> str:
        """Delete the worker's Secret and ConfigMap; not under a chart's ScaledJob.

        Raises:
            ClusterError: refused.
        """
        scaledjob = self.cluster().find(SCALEDJOB, self.scaledjob)
        if scaledjob is not None and is_of_chart(scaledjob):
            return f"left alone, as {maker(scaledjob)} reads them"
        return ", ".join(self._delete(kind, SETTINGS) for kind in (SECRET, CONFIGMAP))

    def remove_files(self) -> str:
        """Remove the pinned manifest and the remembered node; logs stay.

        Raises:
            OperatorError: refused.
        """
        try:
            return self._did("removed", list(self._remove_files()))
        except OSError as error:
            raise OperatorError(f"cannot remove a file: {error}") from error

    def _remove_files(self) -> Iterable[str]:
        for path in (self.patched, self.trace.last_node):
            if path.is_file():
                if not self.dry_run:
                    path.unlink()
                yield str(path)

    def _delete(self, kind: Kind, name: str) -> str:
        cluster = self.cluster()
        found = cluster.find(kind, name)
        shown = f"{kind.kind} {cluster.namespace}/{name}"
        if found is not None and not is_ours(found):
            return f"{shown} left alone: {maker(found)} has made it{_end(found)}"
        if found is not None and not self.dry_run:
            cluster.delete(kind, found)
        return self._did("deleted", [shown] if found else [])

    def _did(self, verb: str, what: list[str]) -> str:
        if not what:
            return _NOTHING
        return f"{f'would have {verb}' if self.dry_run else verb}: {', '.join(what)}"


def _name(found: Mapping[str, Any]) -> str:
    name: str = found["metadata"]["name"]
    return name


def _end(found: Mapping[str, Any]) -> str:
    """How to end what is a Helm release's."""
    release, space = release_of(found), found["metadata"].get("namespace")
    return f" (to end that: helm -n {space} uninstall {release})" if release else ""


def _grace(pod: Mapping[str, Any]) -> float:
    return float(pod["spec"].get("terminationGracePeriodSeconds") or 0)


def _hint(left: list[str]) -> str:
    if any(each.startswith("ScaledJob/") for each in left):
        return (
            "KEDA has to confirm the end of a ScaledJob: see that its operator runs "
            "(kubectl -n keda get pods), then run stop.py again"
        )
    return "a node that is gone cannot confirm it: kubectl get nodes; run stop.py again"
