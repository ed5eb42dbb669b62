"""What the ScaledJob, its Jobs and the nodes say to the scaler. Pure rules."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kube import scaledjobs
from kube.cluster import Snapshot
from kube.jobs import Job, unfinished
from placement.chooser import Chooser
from placement.decision import Reading
from placement.loads.expressions import Load, parse_loads
from placement.settings import ChoiceSettings
from scaler.activity import Jobs
from scaler.replicas import Carried, Choice

_MOST = 100  # KEDA's default for maxReplicaCount
_POLLING = 30  # its default for pollingInterval
_PAUSED = "autoscaling.keda.sh/paused"


@dataclass(frozen=True)
class Situation:
    """One look at the cluster, and what it means."""

    seen: Snapshot
    carried: Carried
    jobs: Jobs
    queries: frozenset[tuple[Load, ...]] = frozenset()
    """What its own triggers ask for, as far as it can be read."""

    polling: float | None = None
    """Seconds between two polls of KEDA; None while it is paused."""


def situation(seen: Snapshot, at: float) -> Situation:
    """What a look means; `at` is when it began, in monotonic seconds.

    Raises:
        ManifestError: the ScaledJob is not as it must be.
    """
    scaledjob = seen.scaledjob
    scaledjobs.check(scaledjob, "the ScaledJob in the cluster")
    most = scaledjob["spec"].get("maxReplicaCount")
    carried = Carried(
        scaledjobs.pinned_node(scaledjob), _MOST if most is None else int(most)
    )
    return Situation(
        seen,
        carried,
        Jobs(
            min(at, seen.doubt),
            frozenset(each.uid for each in unfinished(seen.jobs)),
            frozenset(each.uid for each in seen.jobs if _is_done(each)),
        ),
        frozenset(_queries(scaledjob)),
        _polling(scaledjob),
    )


def _polling(scaledjob: Mapping[str, Any]) -> float | None:
    annotations = scaledjob["metadata"].get("annotations") or {}
    if annotations.get(_PAUSED, "false") != "false":
        return None
    return float(scaledjob["spec"].get("pollingInterval") or _POLLING)


def _queries(scaledjob: Mapping[str, Any]) -> Iterator[tuple[Load, ...]]:
    for trigger in scaledjob["spec"].get("triggers") or ():
        query = (trigger.get("metadata") or {}).get("query")
        # A wrong one is told to KEDA, when it asks for it.
        with suppress(ValueError):
            if query is not None:
                yield parse_loads(str(query))


def _is_done(job: Job) -> bool:
    # One that is being deleted was told to end, and may have left pictures behind.
    return job.state == "complete" and not job.deleting


class Following:
    """Makes the same choice as the watcher, which has the last word."""

    def __init__(self, rules: ChoiceSettings, patience: float) -> None:
        """Start; a ScaledJob that stays apart for `patience` seconds is overdue."""
        self._chooser = Chooser(rules)
        self._patience = patience
        self._apart_since: float | None = None

    def look(
        self,
        seen: Snapshot,
        readings: Mapping[str, Reading],
        now: float,
    ) -> Choice:
        """The choice at `now`, in seconds of any steady clock."""
        pinned = scaledjobs.pinned_node(seen.scaledjob)
        self._chooser.current = pinned
        jobs = unfinished(seen.jobs)
        decision = self._chooser.choose(seen.nodes, readings, seen.scaledjob, jobs, now)
        loads = {
            each.node: each.load
            for each in decision.candidates
            if each.refusal is None and each.load is not None
        }
        overdue = self._overdue(pinned == decision.node, now)
        return Choice(decision.node, loads, str(decision), overdue)

    def _overdue(self, together: bool, now: float) -> bool:
        if together:
            self._apart_since = None
            return False
        if self._apart_since is None:
            self._apart_since = now
        return now - self._apart_since >= self._patience
