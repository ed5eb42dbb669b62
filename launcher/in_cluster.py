"""Scaler and watcher as Deployments, in place of helpers on this machine."""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from common.errors import OperatorError
from common.options import Option, given_of
from common.signals import Stop
from kube.cluster import Cluster
from kube.errors import ClusterError
from kube.objects import apply, is_ours
from kube.resources import DEPLOYMENT, POD
from launcher import placement_objects
from launcher.helpers import Helpers
from launcher.image.parts import beside, completed
from launcher.run_dir import Trace
from launcher.settings import LauncherSettings

ROOT = Path(__file__).parents[1]
_TICK = 0.5  # seconds between looks whether they are up
_LOOPBACK = ("localhost", "127.", "::1", "0.0.0.0")  # noqa: S104 - nothing is opened


@dataclass(frozen=True)
class InCluster:
    """Applies them and waits until they are up; twice is the same as once."""

    open_cluster: Callable[[], Cluster]
    shipped: Path
    """The manifest that names the image by its digest, once that was pushed."""

    image: str
    """What is run where nothing was pushed from here."""

    pull_secret: str | None
    given: Sequence[tuple[Option, str]]
    """What scaler and watcher are told: options and their texts."""

    scaledjob: str
    up_within: float

    def start(self) -> str:
        """Apply everything, and wait until all pods are ready.

        Raises:
            OperatorError: refused, not ours, or not up in time, and why.
        """
        self._check_addresses()
        cluster = self.open_cluster()
        wanted = self._wanted(cluster.namespace)
        for each in wanted:
            apply(cluster, placement_objects.kind_of(each), each)
        names = placement_objects.deployments(wanted)
        until = time.monotonic() + self.up_within
        while missing := [name for name in names if not _is_up(cluster, name)]:
            if time.monotonic() > until:
                raise OperatorError(
                    f"not up after {self.up_within:g} s: {', '.join(missing)}: "
                    f"{_in_the_way(cluster, missing)}"
                )
            time.sleep(_TICK)
        return f"{' and '.join(names)} are up in {cluster.namespace}"

    def preview(self) -> str:
        """What `start` would do.

        Raises:
            OperatorError: it would be refused, or something is not ours.
        """
        self._check_addresses()
        cluster = self.open_cluster()
        wanted = self._wanted(cluster.namespace)
        for each in wanted:
            apply(cluster, placement_objects.kind_of(each), each, dry_run=True)
        names = " and ".join(placement_objects.deployments(wanted))
        return f"would apply {len(wanted)} objects and wait for {names}"

    def follow(self, show: Callable[[str], None], stop: Stop) -> None:
        """Nothing of them is here to be watched."""

    def _wanted(self, namespace: str) -> list[dict[str, Any]]:
        if self.shipped.exists():
            text = self.shipped.read_text()
        else:
            text = (ROOT / placement_objects.MANIFEST).read_text()
            text = completed(text, self.image, self.pull_secret)
        return [
            *placement_objects.settings(self.given),
            *placement_objects.objects(text, namespace, self.scaledjob),
        ]

    def _check_addresses(self) -> None:
        told = {each.env: text for each, text in self.given}
        url = told.get("PROMETHEUS_URL", "http://localhost:9090")
        if (urlsplit(url).hostname or "").startswith(_LOOPBACK):
            raise OperatorError(
                "PROMETHEUS_URL leads to the machine that asks, which is a pod then: "
                "name Prometheus by an address that the nodes reach"
            )


def helpers_for(
    settings: LauncherSettings,
    open_cluster: Callable[[], Cluster],
    trace: Trace,
    environ: Mapping[str, str],
    lock: int,
) -> Helpers | InCluster:
    """What the settings ask for: helpers here, or Deployments in the cluster."""
    if not settings.in_cluster:
        return Helpers(trace, ROOT, environ, settings.scaler_port, lock)
    nothing = argparse.Namespace()
    return InCluster(
        open_cluster,
        trace.parts / "placement.yaml",
        f"{beside(settings.image.repository, 'posture-placement')}:latest",
        settings.pods.pull_secret,
        given_of(placement_objects.options(), nothing, environ),
        settings.cluster.scaledjob,
        settings.ready_within,
    )


def remove(
    cluster: Cluster, scaledjob: str, *, dry_run: bool
) -> tuple[list[str], list[str]]:
    """Delete what `InCluster` has made; gives what that is, and what was left alone.

    Deployments go first, so that nobody works without his rights.

    Raises:
        ClusterError: something of ours could not be deleted.
    """
    text = (ROOT / placement_objects.MANIFEST).read_text()
    every = placement_objects.objects(text, cluster.namespace, scaledjob)
    every += placement_objects.settings(())
    every.sort(key=lambda each: each["kind"] != DEPLOYMENT.kind)
    done, foreign = [], []
    for each in every:
        kind, name = placement_objects.kind_of(each), each["metadata"]["name"]
        try:
            found = cluster.find(kind, name)
        except ClusterError as error:
            # Who may not even look has not made it either.
            if error.status != 403:
                raise
            continue
        if found is None:
            continue
        if not is_ours(found):
            foreign.append(f"{kind.kind} {name}")
            continue
        if not dry_run:
            cluster.delete(kind, found)
        done.append(f"{kind.kind} {name}")
    return done, foreign


def _is_up(cluster: Cluster, name: str) -> bool:
    found = cluster.get(DEPLOYMENT, name)
    status, wanted = found.get("status") or {}, found["spec"]["replicas"]
    return bool(
        status.get("observedGeneration") == found["metadata"]["generation"]
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("availableReplicas", 0) >= wanted
    )


def _in_the_way(cluster: Cluster, names: Iterable[str]) -> str:
    """What the pods of these Deployments say, each once."""
    said = {
        reason
        for name in names
        for pod in cluster.find_all(POD, f"app.kubernetes.io/name={name}")
        for reason in _complaints(pod)
    }
    told = "; ".join(sorted(said)) or "their pods say nothing"
    return f"{told} (see: kubectl -n {cluster.namespace} describe pods)"


def _complaints(pod: Mapping[str, Any]) -> Iterable[str]:
    status = pod.get("status") or {}
    for each in status.get("conditions") or ():
        if each["type"] == "PodScheduled" and each["status"] == "False":
            yield each.get("message") or "no node for a pod"
    for each in status.get("containerStatuses") or ():
        waiting = (each.get("state") or {}).get("waiting")
        if waiting:
            yield ": ".join(
                filter(None, [waiting.get("reason"), waiting.get("message")])
            )
        elif not each.get("ready"):
            yield f"{each['name']} is not ready: read its log"
