"""Which node is chosen, and why each other one is passed over. Pure rules.

Times are seconds of one clock that the caller passes in; loads are percent, 0 to 100.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from placement.settings import ChoiceSettings

_SHOWN = 8  # nodes that one line of explanation names


@dataclass(frozen=True)
class Taint:
    """What keeps pods away from a node."""

    key: str
    value: str = ""
    effect: str = "NoSchedule"

    def __str__(self) -> str:
        value = f"={self.value}" if self.value else ""
        return f"{self.key}{value}:{self.effect}"


@dataclass(frozen=True)
class Toleration:
    """A pod's leave to run in spite of a taint; an empty key or effect means any."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""

    def covers(self, taint: Taint) -> bool:
        """Whether `taint` does not keep the pod away."""
        if self.effect not in ("", taint.effect):
            return False
        if self.operator == "Exists":
            return self.key in ("", taint.key)
        return (self.key, self.value) == (taint.key, taint.value)


@dataclass(frozen=True)
class Node:
    """What the API server says about a node."""

    name: str
    hostname: str | None
    """Its label kubernetes.io/hostname, which a pod can be pinned to."""

    ready: bool = True
    cordoned: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """What Prometheus says about a node: a load, or why there is none."""

    load: float | None = None
    age: float | None = None
    """Seconds since the sample was taken, where Prometheus tells."""

    problem: str | None = None


@dataclass(frozen=True)
class Candidate:
    """One node in a decision; `refusal` says why it cannot be chosen, if so."""

    node: str
    hostname: str | None
    load: float | None
    age: float | None
    jobs: int
    refusal: str | None


@dataclass(frozen=True)
class Decision:
    """The outcome of one look at all nodes."""

    node: str | None
    """The chosen node, or None when no node can be chosen."""

    hostname: str | None
    """The chosen node's label kubernetes.io/hostname."""

    load: float | None
    reason: str
    candidates: tuple[Candidate, ...]
    lagging: Mapping[str, float]
    """Since when each node has been worse than the best one by the margin."""

    time: float

    def behind(self, node: str, hold: float) -> bool:
        """Whether `node` has been clearly worse than the best for `hold` seconds."""
        return node in self.lagging and self.time - self.lagging[node] >= hold

    @property
    def passed_over(self) -> dict[str, str]:
        """Why each other node was not chosen, by name."""
        return {
            each.node: each.refusal or f"{_percent(each.load)}, {_jobs(each.jobs)}"
            for each in self.candidates
            if each.node != self.node
        }

    def __str__(self) -> str:
        """One line: the choice, its reason, and why not the others."""
        others = [f"{node} ({why})" for node, why in self.passed_over.items()]
        shown = ", ".join(others[:_SHOWN])
        if len(others) > _SHOWN:
            shown += f" and {len(others) - _SHOWN} more"
        tail = f"; passed over: {shown}" if shown else ""
        return f"{self.node or 'no node'}: {self.reason}{tail}"


def candidates(
    nodes: Iterable[Node],
    readings: Mapping[str, Reading],
    jobs: Mapping[str, int],
    tolerations: Collection[Toleration],
    rules: ChoiceSettings,
    refused: Mapping[str, str] | None = None,
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


_NO_READING = Reading(problem="Prometheus has no load for it")


def _unfit(
    node: Node, tolerations: Collection[Toleration], rules: ChoiceSettings
) -> str | None:
    if not has_label(node, rules.label):
        return f"no label {rules.label}"
    if not node.ready:
        return "not Ready"
    if node.cordoned:
        return "cordoned"
    if not node.hostname:
        return "no label kubernetes.io/hostname to pin a pod to"
    for taint in node.taints:
        if taint.effect != "PreferNoSchedule" and not any(
            each.covers(taint) for each in tolerations
        ):
            return f"taint {taint} is not tolerated"
    return None


def _unknown(reading: Reading) -> str | None:
    if reading.problem:
        return f"load unknown: {reading.problem}"
    # NaN fails the comparison too.
    if reading.load is None or not 0 <= reading.load <= 100:
        return f"load unknown: {reading.load} is not 0 to 100 percent"
    return None


def has_label(node: Node, wanted: str) -> bool:
    """Whether the node carries `wanted`, a label's key or key=value."""
    key, equals, value = wanted.partition("=")
    return key in node.labels and (not equals or node.labels[key] == value)


def decide(
    found: Collection[Candidate],
    current: str | None,
    lagging: Mapping[str, float],
    rules: ChoiceSettings,
    now: float,
) -> Decision:
    """Choose the least loaded node; leave `current` only for a clear, lasting gain.

    `lagging` is that of the decision before. A current node that cannot be chosen any
    more is left at once.
    """
    fit = [each for each in found if each.refusal is None]
    if not fit:
        return _nothing(found, now)
    best = min(fit, key=_rank)
    since = _lagging(fit, best, lagging, rules, now)
    standing = next((each for each in fit if each.node == current), None)
    chosen, reason = best, _why_best(best, current, found)
    if standing and standing is not best:
        chosen, reason = _stay_or_move(standing, best, since, rules, now)
    ordered = sorted(found, key=_show_rank)
    return Decision(
        chosen.node, chosen.hostname, chosen.load, reason, tuple(ordered), since, now
    )


def _rank(each: Candidate) -> tuple[float, int, str]:
    return (_load(each), each.jobs, each.node)


def _show_rank(each: Candidate) -> tuple[bool, tuple[float, int, str]]:
    return (each.refusal is not None, _rank(each))


def _load(each: Candidate) -> float:
    return 100.0 if each.load is None else each.load


def _lagging(
    fit: Iterable[Candidate],
    best: Candidate,
    before: Mapping[str, float],
    rules: ChoiceSettings,
    now: float,
) -> dict[str, float]:
    behind = (each.node for each in fit if _gain(each, best, rules) >= rules.margin)
    return since(before, behind, now)


def since(
    before: Mapping[str, float], keys: Iterable[str], now: float
) -> dict[str, float]:
    """Since when each of `keys` has been there without a break."""
    return {key: before.get(key, now) for key in keys}


def _gain(each: Candidate, best: Candidate, rules: ChoiceSettings) -> float:
    """Points that a move to the best node would gain.

    A worker takes its own load along, so what it adds to its node is no gain: without
    this, a worker would flee from itself, back and forth.
    """
    own = rules.worker_load if each.jobs > 0 and best.jobs == 0 else 0.0
    return (_load(each) - own - _load(best)) if each is not best else -1.0


def _stay_or_move(
    standing: Candidate,
    best: Candidate,
    since: Mapping[str, float],
    rules: ChoiceSettings,
    now: float,
) -> tuple[Candidate, str]:
    better = f"{best.node} at {_percent(best.load)}"
    if standing.node not in since:
        return standing, (
            f"{_percent(standing.load)}, kept: {better} is not better by "
            f"{rules.margin:g} points"
        )
    held = now - since[standing.node]
    if held < rules.hold:
        return standing, (
            f"{_percent(standing.load)}, kept: {better} has been better for "
            f"{held:.0f} of {rules.hold:g} s"
        )
    return best, (
        f"{_percent(best.load)}, better than {standing.node} at "
        f"{_percent(standing.load)} for {held:.0f} s"
    )


def _why_best(best: Candidate, current: str | None, found: Iterable[Candidate]) -> str:
    reason = f"{_percent(best.load)}, the least load"
    if current in (None, best.node):
        return reason
    left = next((each.refusal for each in found if each.node == current), None)
    return f"{reason}; {current} was left: {left or 'it is gone'}"


def _nothing(found: Collection[Candidate], now: float) -> Decision:
    reason = "no node can be chosen" if found else "the cluster has no nodes"
    ordered = tuple(sorted(found, key=_show_rank))
    return Decision(None, None, None, reason, ordered, {}, now)


def _percent(load: float | None) -> str:
    return "load unknown" if load is None else f"{load:.1f} %"


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
