"""The number of Jobs, from readings that are taken all the time in the background."""

import logging
import threading
import time
from collections.abc import Set
from dataclasses import replace
from typing import Any

from kube.cluster import Cluster
from placement.loads.expressions import Load
from placement.loads.source import LoadSource
from placement.settings import LoadSettings
from scaler.activity import Demand
from scaler.metrics import ScalerTelemetry
from scaler.picture_watch import PictureWatch
from scaler.polling import NotKnownError, Poll
from scaler.replicas import Choice, Wanted, jobs_wanted
from scaler.settings import ScalerSettings
from scaler.snapshot import Following, Situation, situation
from scaler.trigger import Trigger, TriggerError

log = logging.getLogger(__name__)


class Scaler:
    """Says how many Jobs should exist now, at once and from memory."""

    def __init__(
        self,
        settings: ScalerSettings,
        cluster: Cluster,
        source: LoadSource,
        telemetry: ScalerTelemetry,
    ) -> None:
        """Prepare; nothing is read yet."""
        self._settings = settings
        self._cluster = cluster
        self._source = source
        self._telemetry = telemetry
        demand = settings.demand
        self._demand = Demand(time.monotonic(), demand.fresh)
        self._watch = PictureWatch(settings.broker, demand, self._demand.sign)
        self._choices: dict[tuple[Load, ...], Poll[Choice]] = {}
        self._situation = Poll("ScaledJob and Jobs", self._look, demand.interval)
        self._moved = time.monotonic()
        self._node: str | None = None
        self._told: tuple[int, str] | None = None
        self._one_at_a_time = threading.Lock()
        self.defaults = Trigger(demand.gpu_threshold, demand.staleness)

    def start(self) -> None:
        """Begin to read."""
        if not self._settings.demand.always_wanted:
            self._watch.start()
            self._telemetry.watch_age("broker", lambda: self._watch.age)
            self._telemetry.watch_backlog(lambda: self._watch.backlog)
        self._situation.start()
        self._telemetry.watch_age("jobs", lambda: _age(self._situation))
        loads = self._choice_by(self._settings.loads.metrics)
        self._telemetry.watch_age("loads", lambda: _age(loads))

    def stop(self) -> None:
        """Read no more."""
        self._situation.stop()
        for poll in self._choices.values():
            poll.stop()
        if not self._settings.demand.always_wanted:
            self._watch.stop()

    def trouble(self) -> str | None:
        """Why no answer can be given, or None when one can."""
        try:
            with self._one_at_a_time:
                self._answer(self.defaults)
        except NotKnownError as error:
            return str(error)
        return None

    def wanted(self, trigger: Trigger) -> Wanted:
        """The number of Jobs for what a trigger asks.

        Raises:
            NotKnownError: a reading that it takes is too old, and why.
        """
        with self._one_at_a_time:
            try:
                answer = self._answer(trigger)
            except NotKnownError:
                self._telemetry.unknown()
                raise
            self._telemetry.answered(answer.jobs, answer.kind)
            if (answer.jobs, answer.kind) != self._told:
                self._told = (answer.jobs, answer.kind)
                log.info("jobs=%d kind=%s: %s", *self._told, answer.reason)
            return answer

    def _answer(self, trigger: Trigger) -> Wanted:
        found = self._situation.fresh(trigger.staleness)
        loads = trigger.loads or self._settings.loads.metrics
        if trigger.loads and trigger.loads not in found.queries:
            # It would be read all the time: strangers may not choose what.
            raise TriggerError(
                "trigger metadata query: the ScaledJob in the cluster, as it was last "
                "read, has no trigger with this one"
            )
        choice = self._choice_by(loads).fresh(trigger.staleness)
        now = time.monotonic()
        return jobs_wanted(
            choice,
            found.carried,
            threshold=trigger.threshold,
            waiting=self._waiting(now, trigger.staleness),
            workers=self._settings.demand.workers,
            # KEDA reads the ScaledJob, asks us, and creates Jobs from what it has read.
            settled=now - self._moved >= self._settings.demand.move_guard,
        )

    def _waiting(self, now: float, staleness: float) -> bool:
        demand = self._settings.demand
        if demand.always_wanted:
            return True
        self._watch.check(staleness)
        return self._demand.waiting(now, demand.workers)

    def _choice_by(self, loads: tuple[Load, ...]) -> Poll[Choice]:
        """The readings of the choice by these loads, which begin now if need be."""
        if loads not in self._choices:
            demand = self._settings.demand
            following = Following(self._settings.choice, demand.patience)
            settings = replace(self._settings.loads, metrics=loads)
            poll = Poll(
                "GPU loads",
                lambda: self._choose(following, settings),
                demand.interval,
                self._since,
            )
            self._choices[loads] = poll
            poll.start()
        return self._choices[loads]

    # The threads of the polls

    def _look(self) -> Situation:
        begun = time.monotonic()
        found = situation(self._cluster.snapshot(), begun)
        self._demand.see(found.jobs)
        self._telemetry.polls_every(found.polling)
        self._forget(found.queries | {self._settings.loads.metrics})
        if found.carried.node != self._node:
            self._moved, self._node = time.monotonic(), found.carried.node
        return found

    def _forget(self, asked: Set[tuple[Load, ...]]) -> None:
        """Read no more what no trigger asks for any more."""
        with self._one_at_a_time:
            for loads in self._choices.keys() - asked:
                self._choices.pop(loads).stop()

    def _since(self) -> float:
        """From when a choice is that is made now: it is as old as what it looks at."""
        self._situation.wait_for_first()
        return min(time.monotonic(), self._situation.latest.at)

    def _choose(self, following: Following, loads: LoadSettings) -> Choice:
        found = self._situation.latest.value
        if found is None:
            raise NotKnownError("the cluster has not been read yet")
        survey = self._source.survey(found.seen.nodes, loads)
        return following.look(found.seen, survey.readings, time.monotonic())


def _age(poll: Poll[Any]) -> float:
    return time.monotonic() - poll.latest.at
