"""The choice, seen from the ScaledJob that has to follow it."""

from collections.abc import Iterable, Mapping
from typing import Any

from kube import scaledjobs
from kube.jobs import Job
from kube.nodes import Node
from placement.chooser import Chooser
from placement.decision import Reading
from placement.settings import ChoiceSettings
from scaler.replicas import Choice


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
