"""One look of the watcher: read, decide, move the ScaledJob, see to running Jobs."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.errors import OperatorError
from common.files import write_text
from kube import scaledjobs
from kube.cluster import Cluster
from kube.errors import ClusterError, ManifestError
from kube.jobs import Job
from kube.nodes import Node
from placement.chooser import Chooser
from placement.decision import Decision
from placement.errors import LeadLostError, MetricsError
from placement.hand_over import Action, Verdict, View, judge
from placement.loads.readings import Survey
from placement.loads.source import LoadSource
from placement.metrics import Report
from placement.settings import WatcherSettings
from placement.troubles import Troubles

log = logging.getLogger(__name__)

_HINTS_EVERY = 3600.0  # seconds between looks for series that look like ratios
_MOST_SAID = 10_000  # states that are remembered, so that memory stays bounded
_NO_POD: dict[str, Any] = {"spec": {"jobTargetRef": {"template": {"spec": {}}}}}


class Watcher:
    """Follows the loads of all nodes for one ScaledJob."""

    def __init__(
        self,
        settings: WatcherSettings,
        cluster: Cluster,
        source: LoadSource,
        report: Report,
        *,
        dry_run: bool = False,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare; nothing is read yet. With `dry_run` nothing is ever changed.

        Nothing is either while `leads` is false: another watcher does it then.
        """
        self._settings = settings
        self._cluster = cluster
        self._source = source
        self._report = report
        self._dry_run = dry_run
        self._leads = leads
        self._chooser: Chooser | None = None
        self._troubles = Troubles(settings.hand_over)
        self._last_hand_over = float("-inf")
        self._next_hints = float("-inf")
        self._said: dict[str, str] = {}

    def look(self, now: float, wall: float) -> tuple[Decision, Survey]:
        """One look at everything; `now` is steady, `wall` is seconds since 1970.

        Raises:
            OperatorError: a step failed; the next look begins anew.
        """
        self._report.looks.inc()
        nodes, jobs = self._cluster.nodes(), self._cluster.jobs()
        scaledjob = self._scaledjob()
        survey = self._survey(nodes)
        self._troubles.notice(nodes, jobs, now)
        decision = self._decide(nodes, survey, scaledjob, jobs, now)
        self._report.decision = decision
        if scaledjob is not None:
            scaledjob = self._move(scaledjob, decision)
            self._see_to_jobs(jobs, nodes, scaledjob, decision, wall)
        return decision, survey

    def say(self, about: str, text: str, level: int = logging.INFO) -> bool:
        """Log a state when it changes, not at every look; gives whether it did."""
        changed = self._said.get(about) != text
        if changed:
            if len(self._said) > _MOST_SAID:
                self._said.clear()
            self._said[about] = text
            log.log(level, "%s", text)
        return changed

    def _scaledjob(self) -> dict[str, Any] | None:
        try:
            found = self._cluster.scaledjob()
        except ClusterError as error:
            if error.status != 404:
                raise
            self.say("scaledjob", f"{error}; waiting for it", logging.WARNING)
            return None
        scaledjobs.check(found, "the ScaledJob in the cluster")
        self.say("scaledjob", "the ScaledJob is there", logging.DEBUG)
        return found

    def _survey(self, nodes: list[Node]) -> Survey:
        try:
            survey = self._source.survey(nodes, self._settings.loads)
        except MetricsError as error:
            self._report.errors.labels("prometheus").inc()
            self.say("prometheus", f"{error}; no load is known", logging.ERROR)
            return Survey({})
        self._report.last_reading = time.monotonic()
        self.say("prometheus", "Prometheus tells loads")
        for each in survey.unmatched:
            self.say(each, f"{each} names no node: see NODE_MAP", logging.WARNING)
        survey = replace(survey, doubts=(*survey.doubts, *self._ratio_hints()))
        for each in survey.doubts:
            self.say(each, each, logging.WARNING)
        return survey

    def _ratio_hints(self) -> tuple[str, ...]:
        now = time.monotonic()
        if now < self._next_hints:
            return ()
        self._next_hints = now + _HINTS_EVERY
        try:
            return self._source.ratio_hints(self._settings.loads)
        except MetricsError as error:
            log.debug("no look for ratios: %s", error)
            return ()

    def _decide(
        self,
        nodes: list[Node],
        survey: Survey,
        scaledjob: dict[str, Any] | None,
        jobs: list[Job],
        now: float,
    ) -> Decision:
        if self._chooser is None:
            pinned = scaledjobs.pinned_node(scaledjob) if scaledjob else None
            current = pinned or read_last_node(self._settings.last_node)
            self._chooser = Chooser(self._settings.choice, current)
        decision = self._chooser.choose(
            nodes,
            survey.readings,
            scaledjob or _NO_POD,
            jobs,
            now,
            self._troubles.refused,
        )
        log.debug("%s", decision)
        if decision.node is not None:
            self.say("choosing", "there is a node to choose", logging.DEBUG)
        elif self.say("choosing", "no node can be chosen", logging.ERROR):
            log.error("%s", decision)
            if scaledjob and not self._dry_run:
                self._event(scaledjob, "NoNode", str(decision), "Warning")
        return decision

    def _move(self, scaledjob: dict[str, Any], decision: Decision) -> dict[str, Any]:
        """Let the ScaledJob carry the chosen node; gives it as it is then."""
        pinned = scaledjobs.pinned_node(scaledjob)
        if decision.node is None or decision.hostname is None:
            self._report.skipped.labels("no node").inc()
            return scaledjob
        if pinned == decision.node:
            self._report.skipped.labels("unchanged").inc()
            self._remember(decision.node)
            return scaledjob
        if self._dry_run:
            self._report.skipped.labels("dry run").inc()
            if self.say("choice", f"would move the ScaledJob to {decision.node}"):
                log.info("%s", decision)
            return scaledjob
        if not scaledjobs.keeps_running_jobs(scaledjob):
            raise ManifestError(
                "the ScaledJob lacks spec.rollout.strategy: gradual, so KEDA would end "
                "its running Jobs at every change; apply posture-job.yaml first"
            )
        self._check_lead()
        moved = self._cluster.pin(
            scaledjob, decision.node, decision.hostname, str(decision)
        )
        self._report.patches.inc()
        log.info("moved the ScaledJob from %s to %s", pinned, decision)
        self._remember(decision.node)
        self._event(moved, "NodeChosen", str(decision))
        return moved

    def _see_to_jobs(
        self,
        jobs: list[Job],
        nodes: list[Node],
        scaledjob: dict[str, Any],
        decision: Decision,
        wall: float,
    ) -> None:
        for job in jobs:
            view = View(
                decision,
                scaledjobs.pinned_node(scaledjob),
                {node.name: node for node in nodes},
                self._troubles.lost_since,
                self._troubles.misfit_since,
                self._last_hand_over,
                wall,
            )
            settings = self._settings
            verdict = judge(job, view, settings.hand_over, settings.choice)
            if verdict:
                self._carry_out(job, verdict, scaledjob, decision.time)

    def _carry_out(
        self, job: Job, verdict: Verdict, scaledjob: dict[str, Any], now: float
    ) -> None:
        text = f"Job {job.name}: {verdict.action.value}: {verdict.reason}"
        if verdict.action is Action.WAIT or self._dry_run:
            self.say(job.uid, f"{'would ' if self._dry_run else ''}{text}")
            return
        self._check_lead()
        self.say(job.uid, text, logging.WARNING)
        if verdict.action is not Action.FORGET:
            self._cluster.end_job(job)
            self._report.ended.labels(verdict.action.value).inc()
            handed = verdict.action is Action.HAND_OVER
            self._event(scaledjob, "JobHandedOver" if handed else "JobReplaced", text)
        if verdict.action is Action.HAND_OVER:
            self._last_hand_over = now
        else:
            self._cluster.forget_pods(job, self._troubles.lost_since)

    def _check_lead(self) -> None:
        if not self._leads():
            raise LeadLostError(
                "another watcher may lead by now, so this one changes nothing"
            )

    def _event(
        self, scaledjob: dict[str, Any], reason: str, text: str, kind: str = "Normal"
    ) -> None:
        try:
            self._cluster.record_event(scaledjob, reason, text, kind)
        except ClusterError as error:
            # What was done is done; that it cannot be told there stops nothing.
            self._report.errors.labels("event").inc()
            self.say("event", f"no Event recorded: {error}", logging.WARNING)

    def _remember(self, node: str) -> None:
        path = self._settings.last_node
        if self._dry_run or read_last_node(path) == node:
            return
        try:
            write_text(path, f"{node}\n")
        except OperatorError as error:
            self.say("last node", str(error), logging.WARNING)


def read_last_node(path: Path) -> str | None:
    """The node that an earlier run chose, if it left one."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
