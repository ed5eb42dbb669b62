"""How many Jobs should exist now: the number that KEDA is told."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """The number of Jobs that should exist now, and why: in a word and in full."""

    jobs: int
    kind: str
    reason: str


@dataclass(frozen=True)
class Choice:
    """The node that the next Job should run on, its GPU load in percent, and why."""

    node: str | None
    load: float | None
    reason: str


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

    With pictures waiting that is `workers`, as far as the ScaledJob allows. A node
    whose load is not known is never free, and no Job is wanted on another than the
    chosen one: not before the ScaledJob is there, nor until that has `settled`.
    """
    if choice.node is None or choice.load is None:
        return Wanted(0, "no_node", f"no node for a Job: {choice.reason}")
    if choice.load >= threshold:
        return Wanted(
            0,
            "busy",
            f"the GPU of {choice.node} is busy: {choice.load:.0f} %, "
            f"not below {threshold:g} %",
        )
    if carried.node != choice.node:
        return Wanted(
            0,
            "not_moved",
            f"the ScaledJob is on {carried.node or 'no node'} and not yet on "
            f"{choice.node}: gpu_affinity_watcher.py has to move it",
        )
    if not settled:
        return Wanted(
            0, "moving", f"the ScaledJob has only just moved to {choice.node}"
        )
    if not waiting:
        return Wanted(0, "idle", "no pictures are waiting for a worker")
    jobs = min(workers, carried.most)
    return Wanted(jobs, "waiting", f"pictures may be waiting, {choice.node} is free")
