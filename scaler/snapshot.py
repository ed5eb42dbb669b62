"""What the ScaledJob, its Jobs and the nodes say to the scaler. Pure rules."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kube import scaledjobs
from kube.jobs import Job
from kube.nodes import Node
from placement.chooser import Chooser
from placement.decision import Reading
from placement.loads.expressions import Load, parse_loads
from placement.settings import ChoiceSettings
from scaler.activity import Jobs
from scaler.replicas import Carried, Choice

_MOST = 100  # KEDA's default for maxReplicaCount


@dataclass(frozen=True)
class Situation:
    """The ScaledJob and its Jobs in one reading."""

    carried: Carried
    jobs: Jobs
    queries: frozenset[tuple[Load, ...]] = frozenset()
    """What its own triggers ask for, as far as it can be read."""


def situation(
    scaledjob: Mapping[str, Any], jobs: Iterable[Mapping[str, Any]], at: float
) -> Situation:
    """Read the objects of the API; `at` is when the reading began, monotonic."""
    most = scaledjob["spec"].get("maxReplicaCount")
    carried = Carried(
        scaledjobs.pinned_node(scaledjob), _MOST if most is None else int(most)
    )
    states = {each["metadata"]["uid"]: _state(each) for each in jobs}
    return Situation(
        carried,
        Jobs(
            at,
            frozenset(uid for uid, state in states.items() if state == "unfinished"),
            frozenset(uid for uid, state in states.items() if state == "complete"),
        ),
        frozenset(_queries(scaledjob)),
    )


def _queries(scaledjob: Mapping[str, Any]) -> Iterator[tuple[Load, ...]]:
    for trigger in scaledjob["spec"].get("triggers") or ():
        query = (trigger.get("metadata") or {}).get("query")
        # A wrong one is told to KEDA, when it asks for it.
        with suppress(ValueError):
            if query is not None:
                yield parse_loads(str(query))


def _state(job: Mapping[str, Any]) -> str:
    conditions = (job.get("status") or {}).get("conditions") or ()
    true = {each["type"] for each in conditions if each["status"] == "True"}
    if "Failed" in true:
        return "failed"
    if "Complete" not in true:
        return "unfinished"
    # One that is being deleted was told to end, and may have left pictures behind.
    return "deleted" if "deletionTimestamp" in job["metadata"] else "complete"


class Following:
    """Makes the same choice as the watcher, which has the last word."""

    def __init__(self, rules: ChoiceSettings, patience: float) -> None:
        """Start; a ScaledJob that stays apart for `patience` seconds is overdue."""
        self._chooser = Chooser(rules)
        self._patience = patience
        self._apart_since: float | None = None

    def look(
        self,
        nodes: list[Node],
        readings: Mapping[str, Reading],
        scaledjob: Mapping[str, Any],
        jobs: Iterable[Job],
        now: float,
    ) -> Choice:
        """The choice at `now`, in seconds of any steady clock."""
        pinned = scaledjobs.pinned_node(scaledjob)
        self._chooser.current = pinned
        decision = self._chooser.choose(nodes, readings, scaledjob, jobs, now)
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
