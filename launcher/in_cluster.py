"""Scaler and watcher as Deployments, in place of helpers on this machine."""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from common.errors import OperatorError
from common.options import Option, given_of, refuse_gone
from common.signals import Stop
from kube.client import Object
from kube.cluster import Cluster
from kube.errors import ClusterError
from kube.objects import apply, is_of_chart, is_ours, maker
from kube.resources import DEPLOYMENT, POD, SECRET, Kind
from launcher import placement_objects
from launcher.helpers import Helpers
from launcher.image.parts import beside, completed
from launcher.run_dir import Trace
from launcher.settings import LauncherSettings
from launcher.values import is_loopback
from placement.settings import WatcherSettings
from scaler.settings import ScalerSettings

ROOT = Path(__file__).parents[1]
_TICK = 0.5  # seconds between looks whether they are up


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
    adopt: bool = False
    """Whether what a chart has made counts as ours in a preview."""

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
            kind = placement_objects.kind_of(each)
            apply(cluster, kind, each, dry_run=True, adopt=self.adopt)
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
        if is_loopback(url):
            raise OperatorError(
                "PROMETHEUS_URL leads to the machine that asks, which is a pod then: "
                "name Prometheus by an address that the nodes reach"
            )


def helpers_for(
    settings: LauncherSettings,
    open_cluster: Callable[[], Cluster],
    trace: Trace,
    environ: Mapping[str, str],
    *,
    adopt: bool = False,
) -> Helpers | InCluster:
    """What the settings ask for: helpers here, or Deployments in the cluster."""
    if not settings.in_cluster:
        return Helpers(trace, ROOT, environ, settings.scaler_port)
    nothing = argparse.Namespace()
    # Those of helpers are refused by themselves; a ConfigMap would just not have them.
    for told in (WatcherSettings, ScalerSettings):
        refuse_gone(told, environ)
    return InCluster(
        open_cluster,
        trace.parts / "placement.yaml",
        f"{beside(settings.image.repository, 'posture-placement')}:latest",
        settings.pods.pull_secret,
        given_of(placement_objects.options(), nothing, environ),
        settings.cluster.scaledjob,
        settings.ready_within,
        adopt,
    )


def places(namespace: str, scaledjob: str) -> list[tuple[Kind, str]]:
    """Where everything is that `InCluster` makes, the Deployments first."""
    text = (ROOT / placement_objects.MANIFEST).read_text()
    every = placement_objects.objects(text, namespace, scaledjob)
    every += placement_objects.settings(())
    every.sort(key=lambda each: each["kind"] != DEPLOYMENT.kind)
    return [(placement_objects.kind_of(e), e["metadata"]["name"]) for e in every]


class Removed(NamedTuple):
    """What a removal has met: kinds and names, and for what was left why."""

    done: list[str]
    left: dict[str, list[str]]
    """By who has made them."""

    def __str__(self) -> str:
        return "; ".join(
            f"left alone, as {who} has made it: {_few(names)}"
            for who, names in self.left.items()
        )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 2} more" if names[2:] else ""
    return ", ".join(names[:2]) + more


def remove(cluster: Cluster, scaledjob: str, *, dry_run: bool) -> Removed:
    """Delete what `InCluster` has made.

    Deployments go first, so that nobody works without his rights. Those of a chart keep
    the Secret that they read, whoever has made it, for the chart makes none.

    Raises:
        ClusterError: something of ours could not be deleted.
    """
    there = list(_there(cluster, scaledjob))
    chart = any(is_of_chart(each) for kind, each in there if kind is DEPLOYMENT)
    removed = Removed([], {})
    for kind, found in there:
        shown = f"{kind.kind} {found['metadata']['name']}"
        if not is_ours(found):
            removed.left.setdefault(maker(found), []).append(shown)
        elif not (chart and kind is SECRET):
            if not dry_run:
                cluster.delete(kind, found)
            removed.done.append(shown)
    return removed


def _there(cluster: Cluster, scaledjob: str) -> Iterable[tuple[Kind, Object]]:
    for kind, name in places(cluster.namespace, scaledjob):
        try:
            found = cluster.find(kind, name)
        except ClusterError as error:
            # Who may not even look has not made it either.
            if error.status != 403:
                raise
            continue
        if found is not None:
            yield kind, found


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
