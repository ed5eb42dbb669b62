"""The choice from look to look: what is remembered between two decisions."""

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Any

from kube import scaledjobs
from kube.cluster import Cluster
from kube.jobs import Job, count_by_node
from kube.nodes import Node
from placement.decision import Decision, Memory, Reading, Reason, decide
from placement.eligibility import candidates
from placement.loads.readings import Survey
from placement.loads.source import LoadSource
from placement.settings import ChoiceSettings, LoadSettings


def choose_now(
    cluster: Cluster,
    source: LoadSource,
    loads: LoadSettings,
    chooser: "Chooser",
    scaledjob: Mapping[str, Any],
) -> tuple[Decision, Survey]:
    """One look at nodes, loads and Jobs, and the choice; what it is made of beside it.

    Raises:
        OperatorError: the cluster or the loads cannot be read.
    """
    nodes = cluster.nodes()
    survey = source.survey(nodes, loads)
    decision = chooser.choose(
        nodes, survey.readings, scaledjob, cluster.jobs(), time.monotonic()
    )
    return decision, survey


class Chooser:
    """Chooses the node for the Jobs of one ScaledJob."""

    def __init__(self, rules: ChoiceSettings, current: str | None = None) -> None:
        """Start with the node that was chosen before, if any."""
        self._rules = rules
        self._memory = Memory(current)

    @property
    def current(self) -> str | None:
        """The node chosen last; set it where somebody else has the last word."""
        return self._memory.node

    @current.setter
    def current(self, node: str | None) -> None:
        self._memory = dataclasses.replace(self._memory, node=node)

    def choose(
        self,
        nodes: list[Node],
        readings: Mapping[str, Reading],
        scaledjob: Mapping[str, Any],
        jobs: Iterable[Job],
        now: float,
        refused: Mapping[str, Reason] | None = None,
    ) -> Decision:
        """Look at all nodes once; `now` is in seconds of any steady clock.

        Nodes that the ScaledJob's own affinity rules out cannot be chosen, nor those
        in `refused`, which gives a reason by node. While no node can be chosen, the
        one chosen before is remembered.
        """
        own = {
            node: Reason(why)
            for node, why in scaledjobs.refusals(scaledjob, nodes).items()
        }
        found = candidates(
            nodes,
            readings,
            count_by_node(jobs),
            scaledjobs.tolerations(scaledjob),
            self._rules,
            own | dict(refused or {}),
        )
        decision = decide(found, self._memory, self._rules, now)
        self._memory = decision.memory
        return decision
