"""Nodes as the watcher tells them: loads, the choice, and why. Pure rules."""

from dataclasses import dataclass

from page.metrics import Told

_PREFIX = "posture_placement_"


@dataclass(frozen=True)
class Node:
    """One node as the watcher sees it: load in percent, age in seconds."""

    name: str
    load: float | None
    age: float | None
    eligible: bool
    chosen: bool
    refusal: str
    """Why it cannot be chosen."""


@dataclass(frozen=True)
class Placement:
    """The watcher's last decision."""

    nodes: list[Node]
    reason: str
    errors: int
    """Looks and steps that failed since the watcher's start."""


def placement_of(told: Told) -> Placement:
    """The last decision."""
    reason = next(iter(_reasons(told, "decision_info").values()), "")
    return Placement(_nodes(told), reason, told.total(f"{_PREFIX}errors_total"))


def _nodes(told: Told) -> list[Node]:
    """The chosen one first, then those that can be chosen, by load."""
    by_node: dict[str, dict[str, float]] = {}
    for sample in told.samples:
        if "node" in sample.labels and sample.name.startswith(_PREFIX):
            one = by_node.setdefault(sample.labels["node"], {})
            one[sample.name.removeprefix(_PREFIX)] = sample.value
    refused = _reasons(told, "node_refused")
    nodes = [
        Node(
            name,
            one.get("node_load_percent"),
            one.get("node_sample_age_seconds"),
            bool(one.get("node_eligible")),
            bool(one.get("chosen")),
            refused.get(name, ""),
        )
        for name, one in by_node.items()
        if "node_eligible" in one
    ]
    return sorted(nodes, key=_rank)


def _reasons(told: Told, name: str) -> dict[str, str]:
    return {
        sample.labels.get("node", ""): sample.labels.get("reason", "")
        for sample in told.each(_PREFIX + name)
    }


def _rank(node: Node) -> tuple[bool, bool, float, str]:
    load = float("inf") if node.load is None else node.load
    return (not node.chosen, not node.eligible, load, node.name)
