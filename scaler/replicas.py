"""How many Jobs should exist now: the number that KEDA is told."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """The number of Jobs that should exist now, and why: in a word and in full."""

    jobs: int
    kind: str
    reason: str


@dataclass(frozen=True)
class Choice:
    """The node that the next Job should run on, and why."""

    node: str | None
    loads: Mapping[str, float]
    """GPU load in percent of every node that can be chosen."""

    reason: str
    overdue: bool = False
    """Whether the ScaledJob has not followed for so long that it will not."""


@dataclass(frozen=True)
class Carried:
    """The node that the ScaledJob is pinned to, and the most Jobs that it allows."""

    node: str | None
    most: int


def jobs_wanted(
    choice: Choice,
    carried: Carried,
    *,
    threshold: float,
    waiting: bool,
    workers: int,
    settled: bool = True,
) -> Wanted:
    """The number for a GPU that is free below `threshold` percent.

    With pictures waiting that is `workers`, as far as the ScaledJob allows, and not
    until its last move has `settled`. A node whose load is not known is never free.
    """
    node = carried.node
    if choice.node is None:
        return Wanted(0, "no_node", f"no node for a Job: {choice.reason}")
    # Who moves the ScaledJob may know better than us, or not be running. Then a node
    # that could be chosen is good enough, once a move would have come.
    if (
        node is None
        or node not in choice.loads
        or (node != choice.node and not choice.overdue)
    ):
        return Wanted(
            0,
            "not_moved",
            f"the ScaledJob is on {node or 'no node'} and not yet on {choice.node}: "
            "gpu_affinity_watcher.py has to move it",
        )
    load = choice.loads[node]
    if load >= threshold:
        busy = f"the GPU of {node} is busy: {load:.0f} %, not below {threshold:g} %"
        return Wanted(0, "busy", busy)
    if not settled:
        return Wanted(0, "moving", f"the ScaledJob has only just moved to {node}")
    if not waiting:
        return Wanted(0, "idle", "no pictures are waiting for a worker")
    jobs = min(workers, carried.most)
    return Wanted(jobs, "waiting", f"pictures may be waiting, {node} is free")
