"""What the watcher tells Prometheus about itself."""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from placement.decision import Decision, Reason

_PREFIX = "posture_placement"
_LONGEST = 200  # characters of a reason


class Report(Collector):
    """Counters, and gauges of the last decision, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.decision: Decision | None = None
        self.last_reading: float | None = None
        """time.monotonic() of the last answer of Prometheus."""

        self.leads = True
        """Whether this is the watcher that works, of several."""

        self.looks = self._counter("looks", "Looks at loads and nodes")
        self.patches = self._counter("patches", "Changes made to the ScaledJob")
        self.skipped = self._counter("patches_skipped", "No change made", "reason")
        self.ended = self._counter("jobs_ended", "Jobs ended", "action")
        self.errors = self._counter("errors", "Looks or steps that failed", "part")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{_PREFIX}_{name}", text, labels, registry=self.registry)

    def stand_by(self) -> None:
        """Tell no more of what another watcher has to tell now."""
        self.leads, self.decision, self.last_reading = False, None, None

    def collect(self) -> Iterable[Metric]:
        """The gauges; nodes that are gone leave with the next decision."""
        leader = GaugeMetricFamily(
            f"{_PREFIX}_leader", "1 for the watcher that works, 0 for one that waits"
        )
        leader.add_metric([], float(self.leads))
        yield leader
        age = GaugeMetricFamily(
            f"{_PREFIX}_reading_age_seconds", "Since Prometheus last told loads"
        )
        if self.last_reading is not None:
            age.add_metric([], time.monotonic() - self.last_reading)
        yield age
        if self.decision:
            yield from _of(self.decision)


def _of(decision: Decision) -> Iterable[Metric]:
    chosen = _family("chosen", "1 for the chosen node", "node")
    load = _family("node_load_percent", "Load of a node, where it is known", "node")
    sample = _family("node_sample_age_seconds", "Age of a node's sample", "node")
    eligible = _family("node_eligible", "1 when the node can be chosen", "node")
    refused = _family("node_refused", "1 when it cannot, why", "node", "reason")
    why = _family("decision_info", "1 for the last choice", "reason", "node")
    # Without a node there is no label of it, which to Prometheus is an empty one.
    why.add_metric([_label(decision.reason), *filter(None, [decision.node])], 1.0)
    for each in decision.candidates:
        chosen.add_metric([each.node], float(each.node == decision.node))
        eligible.add_metric([each.node], float(each.refusal is None))
        if each.refusal is not None:
            refused.add_metric([each.node, _label(each.refusal)], 1.0)
        if each.load is not None:
            load.add_metric([each.node], each.load)
        if each.age is not None:
            sample.add_metric([each.node], each.age)
    yield from (why, chosen, load, sample, eligible, refused)


def _label(reason: Reason) -> str:
    return reason.kind[:_LONGEST]


def _family(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", text, labels=labels)
