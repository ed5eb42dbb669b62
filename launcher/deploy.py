"""The worker in the cluster: its Secret and ConfigMap, and its ScaledJob on a node."""

import copy
import ipaddress
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil

from common.errors import OperatorError
from common.files import write_text
from common.options import Option
from kube import objects, scaledjobs
from kube.cluster import Cluster
from kube.diff import difference
from kube.resources import CONFIGMAP, SCALEDJOB, SECRET, Kind
from launcher import manifests
from launcher.settings import LauncherSettings
from placement.chooser import Chooser, choose_now
from placement.loads.source import load_source

_TICK = 0.2  # seconds between looks whether the ScaledJob is ready


@dataclass(frozen=True)
class Deployment:
    """Applies what the worker needs, or shows what that would change."""

    settings: LauncherSettings
    worker: Sequence[tuple[Option, str]]
    """What the worker is told: options and their texts."""

    image: Callable[[], str]
    open_cluster: Callable[[], Cluster]
    adopt: bool = False
    """Whether what a chart has made counts as ours in a preview."""

    def apply_settings(self) -> str:
        """Create or update the worker's Secret and ConfigMap.

        Raises:
            ClusterError: refused, or they are not ours.
        """
        for kind, wanted in self._settings():
            objects.apply(self.open_cluster(), kind, wanted)
        names = [
            f"{kind.kind} with {len(wanted['data'])} values"
            for kind, wanted in self._settings()
        ]
        return f"{manifests.SETTINGS}: {', '.join(names)}"

    def preview_settings(self) -> str:
        """A diff of Secret and ConfigMap, without the Secret's values.

        Raises:
            ClusterError: they would be refused, or are not ours.
        """
        return "".join(self._preview(*each) for each in self._settings())

    def apply_scaledjob(self) -> str:
        """Apply the manifest, then let the ScaledJob carry the node that is best now.

        In two steps, the second as the watcher does it: what is applied has no node, so
        no later apply takes one away. Both in one are written to a file.

        Raises:
            OperatorError: no node can be chosen, or the API server refuses.
        """
        wanted, place = self._scaledjob()
        path, cluster = self.settings.manifest.patched, self.open_cluster()
        write_text(path, scaledjobs.dump(_pinned(wanted, place)))
        applied = objects.apply(cluster, SCALEDJOB, wanted)
        cluster.pin(applied, *place)
        return f"{path} applied: {place.decision}"

    def preview_scaledjob(self) -> str:
        """The choice, and a diff of the ScaledJob.

        Raises:
            OperatorError: no node can be chosen, or the API server would refuse.
        """
        wanted, place = self._scaledjob()
        shown = self._preview(SCALEDJOB, _pinned(wanted, place))
        return f"{place.decision}{shown}"

    def wait_until_ready(self) -> str:
        """Wait until KEDA says that the ScaledJob is ready.

        Raises:
            OperatorError: it does not, in time; says what it says instead.
        """
        settings = self.settings
        until = time.monotonic() + settings.ready_within
        said = "KEDA has not looked at it; does its operator run?"
        while time.monotonic() < until:
            found = self.open_cluster().find(SCALEDJOB, settings.cluster.scaledjob)
            ready, told = _ready(found)
            if ready:
                return "KEDA is ready to scale"
            said = told or said
            time.sleep(_TICK)
        namespace = self.open_cluster().namespace
        raise OperatorError(
            f"not ready within {settings.ready_within:g} s: {said} (see: kubectl -n "
            f"{namespace} describe scaledjob {settings.cluster.scaledjob})"
        )

    def _settings(self) -> list[tuple[Kind, dict[str, Any]]]:
        return [
            (SECRET, manifests.secret(self.worker)),
            (CONFIGMAP, manifests.config_map(self.worker)),
        ]

    def _preview(self, kind: Kind, wanted: Mapping[str, Any]) -> str:
        cluster, name = self.open_cluster(), wanted["metadata"]["name"]
        before = cluster.find(kind, name)
        after = objects.apply(cluster, kind, wanted, dry_run=True, adopt=self.adopt)
        title = f"{kind.kind} {cluster.namespace}/{name}"
        changes = difference(before, after, title) or f"{title}: no change"
        return "".join(f"\n      {line}" for line in changes.splitlines())

    def _scaledjob(self) -> tuple[scaledjobs.ScaledJob, "_Place"]:
        """The ScaledJob as it is to be applied, and the node that is best now."""
        wanted = scaledjobs.read_manifest(self.settings.manifest.base)
        place = self._choose(wanted)
        manifests.complete(
            wanted, self.image(), self.scaler_address(), self.settings.pods
        )
        manifests.tell(wanted, self.worker)
        return wanted, place

    def _choose(self, wanted: scaledjobs.ScaledJob) -> "_Place":
        it, cluster = self.settings, self.open_cluster()
        current = cluster.find(SCALEDJOB, it.cluster.scaledjob)
        pinned = scaledjobs.pinned_node(current) if current else None
        source = load_source(it.prometheus)
        chooser = Chooser(it.choice, pinned)
        decision, _ = choose_now(cluster, source, it.loads, chooser, wanted)
        if decision.node is None or decision.hostname is None:
            raise OperatorError(str(decision))
        return _Place(decision.node, decision.hostname, str(decision))

    def scaler_address(self) -> str | None:
        """Host and port for KEDA; None for those that the manifest names."""
        host = self.settings.scaler_host
        if host == "manifest":
            return None
        if self.settings.in_cluster:
            return f"posture-scaler.{self.open_cluster().namespace}.svc:50051"
        if host == "auto":
            cluster = self.open_cluster()
            nodes = [each for node in cluster.nodes() for each in node.addresses]
            host = own_address([*nodes, urlsplit(cluster.host).hostname or ""])
        return f"{host}:{self.settings.scaler_port}"


class _Place(NamedTuple):
    """The node that was chosen, its host name label, and why."""

    node: str
    hostname: str
    decision: str


def _pinned(wanted: scaledjobs.ScaledJob, place: _Place) -> scaledjobs.ScaledJob:
    made = copy.deepcopy(wanted)
    scaledjobs.pin(made, *place)
    return made


def _ready(found: Mapping[str, Any] | None) -> tuple[bool, str | None]:
    conditions = ((found or {}).get("status") or {}).get("conditions") or ()
    for each in conditions:
        if each["type"] == "Ready":
            return each["status"] == "True", each.get("message")
    return False, None


def own_address(machines: Sequence[str]) -> str:
    """The address of this machine that other `machines` see; one may be itself.

    Raises:
        OperatorError: it cannot be told.
    """
    interfaces = psutil.net_if_addrs().values()
    mine = {each.address for found in interfaces for each in found}
    for address in machines:
        if address in mine and not address.startswith("127."):
            return address
    # Names last: to look one up can take seconds.
    for address in sorted(machines, key=_is_name):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((address, 9))  # nothing is sent
            except OSError:
                continue
            own: str = probe.getsockname()[0]
            if not own.startswith("127."):
                return own
    raise OperatorError(
        "cannot tell by which address KEDA reaches this machine: set SCALER_HOST"
    )


def _is_name(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return True
    return False
