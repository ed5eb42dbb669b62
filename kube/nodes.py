"""Nodes, taints and tolerations as Kubernetes means them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Taint:
    """What keeps pods away from a node."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        return f"{self.key}{value}:{self.effect}"


@dataclass(frozen=True)
class Toleration:
    """A pod's leave to run in spite of a taint; an empty key or effect means any."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def covers(self, taint: Taint) -> bool:
        """Whether `taint` does not keep the pod away."""
        if self.effect not in ("", taint.effect):
            return False
        if self.operator == "Exists":
            return self.key in ("", taint.key)
        return (self.key, self.value) == (taint.key, taint.value)


@dataclass(frozen=True)
class Node:
    """What the API server says about a node."""

    name: str
    hostname: str | None
    """Its label kubernetes.io/hostname, which a pod can be pinned to."""

    ready: bool = True
    cordoned: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    addresses: tuple[str, ...] = ()
    cores: float | None = None
    """Of its CPU, as the kubelet says."""


def read_node(node: Mapping[str, Any]) -> Node:
    """The node that an object of the API describes."""
    metadata, spec = node["metadata"], node.get("spec") or {}
    status = node.get("status") or {}
    labels = metadata.get("labels") or {}
    ready = any(
        each["type"] == "Ready" and each["status"] == "True"
        for each in status.get("conditions") or ()
    )
    taints = tuple(
        Taint(each["key"], each.get("value") or "", each["effect"])
        for each in spec.get("taints") or ()
    )
    addresses = tuple(each["address"] for each in status.get("addresses") or ())
    return Node(
        metadata["name"],
        labels.get("kubernetes.io/hostname"),
        ready and "deletionTimestamp" not in metadata,
        bool(spec.get("unschedulable")),
        labels,
        taints,
        addresses,
        _cores((status.get("capacity") or {}).get("cpu")),
    )


def _cores(quantity: str | None) -> float | None:
    """Kubernetes' `6` or `5500m` as a number."""
    number, milli = (quantity or "").removesuffix("m"), (quantity or "").endswith("m")
    try:
        cores = float(number) / (1000 if milli else 1)
    except ValueError:
        return None
    return cores if cores > 0 else None
