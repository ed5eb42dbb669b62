"""When a Job is ended so that the next one runs elsewhere. Pure rules.

A running Job is left alone unless another node has been clearly better for long, or its
own is cordoned. A Job that cannot run any more is replaced: KEDA counts it, so that it
would block every later one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from kube.jobs import Job
from kube.nodes import Node
from placement.decision import Candidate, Decision, gain
from placement.settings import ChoiceSettings, HandOverSettings


class Action(Enum):
    """What is done with a Job."""

    HAND_OVER = "hand over"  # it runs; ask it to end, with grace
    REPLACE = "replace"  # it cannot run; delete it
    FORGET = "forget"  # it ends, but its node is dead and cannot confirm it
    WAIT = "wait"  # it cannot run, but there is nothing better yet


@dataclass(frozen=True)
class Verdict:
    """What is done with a Job, and why."""

    action: Action
    reason: str


@dataclass(frozen=True)
class View:
    """What the rules look at; times are of the clock of `decision.time`."""

    decision: Decision
    pinned: str | None
    """The node that the ScaledJob carries already."""

    nodes: Mapping[str, Node]
    lost_since: Mapping[str, float]
    misfit_since: Mapping[str, float]
    """As in `Troubles`."""

    last_hand_over: float
    wall: float
    """Seconds since 1970, for the age of Jobs."""

    @property
    def target(self) -> str | None:
        """Where the next Job goes, once the ScaledJob says so."""
        return self.decision.node if self.pinned == self.decision.node else None

    def candidate(self, node: str) -> Candidate | None:
        """What the decision knows of a node."""
        found = (each for each in self.decision.candidates if each.node == node)
        return next(found, None)

    def lasts(self, since: Mapping[str, float], key: str, limit: float) -> bool:
        """Whether `key` has been in `since` for `limit` seconds."""
        return key in since and self.decision.time - since[key] >= limit


def judge(
    job: Job, view: View, settings: HandOverSettings, choice: ChoiceSettings
) -> Verdict | None:
    """What is to be done with one of our unfinished Jobs; None leaves it alone."""
    lost = [
        node
        for node in sorted(job.nodes)
        if view.lasts(view.lost_since, node, settings.lost_after)
    ]
    if lost:
        return _lost(job, view, lost[0])
    if job.deleting:
        return None
    if view.lasts(view.misfit_since, job.uid, settings.pending_limit):
        return _misfit(job, view)
    return _hand_over(job, view, settings, choice) if settings.enabled else None


def _lost(job: Job, view: View, node: str) -> Verdict:
    state = "not Ready" if node in view.nodes else "gone"
    reason = f"its node {node} is {state}"
    if job.deleting:
        return Verdict(Action.FORGET, f"{reason} and cannot confirm that it ended")
    return _replace(view, reason)


def _misfit(job: Job, view: View) -> Verdict:
    reason = f"its pod fits nowhere: {job.misfit}"
    if job.hostname == view.decision.hostname:
        return Verdict(Action.WAIT, f"{reason}; the next one would go there too")
    return _replace(view, reason)


def _replace(view: View, reason: str) -> Verdict:
    if view.target is None:
        return Verdict(Action.WAIT, f"{reason}; there is no other node for it yet")
    return Verdict(Action.REPLACE, f"{reason}; the next one goes to {view.target}")


def _hand_over(
    job: Job, view: View, settings: HandOverSettings, choice: ChoiceSettings
) -> Verdict | None:
    node, target = next(iter(sorted(job.nodes)), None), view.target
    if node is None or target in (None, node) or node in view.lost_since:
        return None
    if view.nodes[node].cordoned:
        reason = f"its node {node} is cordoned"
    elif _clearly_better(node, target, view, choice):
        reason = f"{node} has been worse for {choice.hold:g} s"
    else:
        return None
    rested = view.decision.time - view.last_hand_over >= settings.min_stay
    if not rested or view.wall - job.created < settings.min_stay:
        return None
    return Verdict(Action.HAND_OVER, f"{reason}; the next one goes to {target}")


def _clearly_better(
    node: str, target: str | None, view: View, choice: ChoiceSettings
) -> bool:
    here, there = view.candidate(node), view.candidate(target or "")
    lagging = view.decision.memory.lagging
    return (
        view.lasts(lagging, node, choice.hold)
        and here is not None
        and there is not None
        # The chosen node need not be the very best one of the moment.
        and gain(here, there, choice) >= choice.margin
    )
