"""Which nodes can be chosen at all, and why the others cannot. Pure rules."""

from collections.abc import Collection, Iterable, Mapping

from kube.nodes import Node, Toleration
from placement.decision import Candidate, Reading, Reason
from placement.settings import ChoiceSettings

_NO_READING = Reading(problem=Reason("Prometheus has no load for it"))


def candidates(
    nodes: Iterable[Node],
    readings: Mapping[str, Reading],
    jobs: Mapping[str, int],
    tolerations: Collection[Toleration],
    rules: ChoiceSettings,
    refused: Mapping[str, Reason] | None = None,
) -> list[Candidate]:
    """Every node with its load, or the reason why it cannot be chosen.

    `jobs` counts our running Jobs by node; `refused` gives further reasons by node.
    """
    made = []
    for node in nodes:
        reading = readings.get(node.name, _NO_READING)
        refusal = (
            _unfit(node, tolerations, rules)
            or (refused or {}).get(node.name)
            or _unknown(reading)
        )
        made.append(
            Candidate(
                node.name,
                node.hostname,
                None if reading.problem else reading.load,
                reading.age,
                jobs.get(node.name, 0),
                refusal,
            )
        )
    return made


def _unfit(
    node: Node, tolerations: Collection[Toleration], rules: ChoiceSettings
) -> Reason | None:
    if not has_label(node, rules.label):
        return Reason(f"no label {rules.label}")
    if not node.ready:
        return Reason("not Ready")
    if node.cordoned:
        return Reason("cordoned")
    if not node.hostname:
        return Reason("no label kubernetes.io/hostname to pin a pod to")
    for taint in node.taints:
        if taint.effect != "PreferNoSchedule" and not any(
            each.covers(taint) for each in tolerations
        ):
            return Reason(f"taint {taint} is not tolerated")
    return None


def _unknown(reading: Reading) -> Reason | None:
    if reading.problem:
        return reading.problem.under("load unknown")
    # NaN fails the comparison too.
    if reading.load is None or not 0 <= reading.load <= 100:
        return no_percentage(reading.load).under("load unknown")
    return None


def no_percentage(value: object) -> Reason:
    """Why a value is no load."""
    return Reason(
        "its value is not 0 to 100 percent", f"{value} is not 0 to 100 percent"
    )


def has_label(node: Node, wanted: str) -> bool:
    """Whether the node carries `wanted`, a label's key or key=value."""
    key, equals, value = wanted.partition("=")
    return key in node.labels and (not equals or node.labels[key] == value)
