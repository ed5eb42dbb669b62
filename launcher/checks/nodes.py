"""What the nodes tell of themselves: kernel, clock, disk.

They are the node agent's figures, from Prometheus; without it nothing
is known of them, and that is said.
"""

import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kube.client import Object
from kube.cluster import Cluster
from kube.nodes import Node, read_node
from kube.resources import NODE
from launcher.preflight import Check, CheckError, Doubt
from launcher.settings import LauncherSettings
from placement.eligibility import has_label
from placement.errors import MetricsError
from placement.loads.names import Names
from placement.loads.prometheus import Prometheus

UNIFIED = (1, 35)
"""From this Kubernetes on a kubelet does not start on control groups of version 1."""

_FACTS = {
    "cgroups": "posture_node_cgroup_version",
    "module": "posture_node_kernel_module == 0",
    "clock": "posture_node_time_seconds - timestamp(posture_node_time_seconds)",
    "exporter": "node_time_seconds - timestamp(node_time_seconds)",
    "free": "posture_node_disk_free_bytes",
}
_OFF = 5.0  # seconds by which a clock may be wrong; a scrape takes part of one
_LITTLE, _NOTHING = 5e9, 1e9  # bytes: for an image and some pictures; for neither
_AGENT = (
    "kubectl apply -f run/parts/node-agent.yaml; the first: build_and_push.py "
    "--only parts --parts node-agent"
)


@dataclass(frozen=True)
class Fact:
    """One figure of one node."""

    kind: str
    node: str
    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class NodeChecks:
    """The checks of the nodes that carry the label."""

    settings: LauncherSettings
    open_cluster: Callable[[], Cluster]

    def all(self) -> list[Check]:
        """Every one of them."""
        return [
            Check("kernel", self.kernel),
            Check("clocks", self.clocks),
            Check("space", self.space),
        ]

    def kernel(self) -> str:
        """That kubelet and NetworkPolicy have what they need of the kernel."""
        found = self._labelled()
        versions = {
            each["metadata"]["name"]: each["status"]["nodeInfo"]["kubeletVersion"]
            for each in found
            if "nodeInfo" in (each.get("status") or {})
        }
        return check_kernel(versions, self._facts(found))

    def clocks(self) -> str:
        """That the nodes know what time it is."""
        return check_clocks(self._facts(self._labelled()))

    def space(self) -> str:
        """That there is room, on the nodes and here."""
        found = self._labelled()
        pressed = [each["metadata"]["name"] for each in found if _is_pressed(each)]
        here = float(shutil.disk_usage(Path.cwd()).free)
        return check_space(self._facts(found), pressed, here)

    def _labelled(self) -> list[Object]:
        label, found = self.settings.choice.label, self.open_cluster().find_all(NODE)
        return [each for each in found if has_label(read_node(each), label)]

    def _facts(self, found: Iterable[Object]) -> list[Fact]:
        nodes = [read_node(each) for each in found]
        try:
            rows = Prometheus(self.settings.prometheus).query(facts_query())
        except MetricsError as error:
            raise Doubt(str(error), "set PROMETHEUS_URL") from error
        return read_facts(rows, nodes, self.settings.loads.node_map or {})


def facts_query() -> str:
    """PromQL for everything at once; the label `fact` tells what is what."""
    parts = (
        f'label_replace({query}, "fact", "{kind}", "", "")'
        for kind, query in _FACTS.items()
    )
    return " or ".join(parts)


def read_facts(
    rows: Iterable[Mapping[str, Any]], nodes: Iterable[Node], node_map: dict[str, str]
) -> list[Fact]:
    """The figures of these nodes; others are left out."""
    names, found = Names(nodes, node_map), []
    for row in rows:
        labels = row["metric"]
        if match := names.find(labels, None):
            value = float(row["value"][1])
            found.append(Fact(labels["fact"], match.node, value, labels))
    return found


def check_kernel(versions: Mapping[str, str], facts: Iterable[Fact]) -> str:
    """What a node's kernel lacks.

    Raises:
        Doubt: something, or nobody knows.
    """
    facts = list(facts)
    known = {each.node for each in facts if each.kind == "cgroups"}
    if not known:
        raise Doubt("no node agent tells of any node's kernel", _AGENT)
    for fact in facts:
        if fact.kind == "cgroups" and fact.value == 1:
            raise Doubt(
                _cgroups(fact.node, versions.get(fact.node, "")),
                "boot with systemd.unified_cgroup_hierarchy=1, or stay on k3s 1.34: "
                "INSTALL_K3S_CHANNEL=v1.34",
            )
    lacking = sorted(
        {(f.node, f.labels["module"]) for f in facts if f.kind == "module"}
    )
    if lacking:
        told = ", ".join(f"{node} {module}" for node, module in lacking)
        modules = " ".join(sorted({module for _, module in lacking}))
        raise Doubt(
            f"modules that NetworkPolicy needs are not loaded (or built in): {told}; "
            "without them a policy is not kept to, and nobody says so",
            f"on the node: sudo modprobe -a {modules}; sudo apt-get install ipset",
        )
    return f"control groups and modules of {len(known)} nodes are as they should be"


def _cgroups(node: str, version: str) -> str:
    number = re.match(r"v?(\d+)\.(\d+)", version)
    new = number and (int(number[1]), int(number[2])) >= UNIFIED
    when = "does not start" if new else "will not start from 1.35 on"
    return f"{node} has control groups of version 1: its kubelet {version} {when}"


def check_clocks(facts: Iterable[Fact]) -> str:
    """Clocks that are wrong, by Prometheus' own.

    Raises:
        Doubt: one is, or nobody knows.
    """
    clocks = [each for each in facts if each.kind in ("clock", "exporter")]
    if not clocks:
        raise Doubt("nobody tells any node's time", _AGENT)
    wrong = {each.node: each.value for each in clocks if abs(each.value) > _OFF}
    if wrong:
        told = ", ".join(f"{node} by {off:+.0f} s" for node, off in wrong.items())
        raise Doubt(
            f"clocks are wrong: {told}; loads look old, certificates not yet valid",
            "on the node: sudo apt-get install chrony; see it: timedatectl",
        )
    return f"{len({each.node for each in clocks})} nodes know the time"


def check_space(facts: Iterable[Fact], pressed: list[str], here: float) -> str:
    """Disks that are full, or nearly; `here` are the bytes that this machine has.

    Raises:
        CheckError: a node takes no pods for want of room, or will not for long.
        Doubt: there is little.
    """
    free = {each.node: each.value for each in facts if each.kind == "free"}
    full = sorted({*pressed, *(node for node, size in free.items() if size < _NOTHING)})
    if full:
        raise CheckError(
            f"the disk is full on {', '.join(full)}",
            "on the node: sudo k3s crictl rmi --prune; df -h",
        )
    little = [f"{n} ({s / 1e9:.1f} GB)" for n, s in free.items() if s < _LITTLE]
    if little:
        raise Doubt(
            f"little room for images and pictures on {', '.join(little)}",
            "on the node: sudo k3s crictl rmi --prune; a lower PICTURES_MB",
        )
    if here < _LITTLE:
        raise Doubt(
            f"{here / 1e9:.1f} GB are free here; a build takes more",
            "docker builder prune",
        )
    return f"at least {min([*free.values(), here]) / 1e9:.0f} GB are free"


def _is_pressed(node: Object) -> bool:
    return any(
        each["type"] == "DiskPressure" and each["status"] == "True"
        for each in (node.get("status") or {}).get("conditions") or ()
    )
