"""Which node is chosen, and why each other one is passed over. Pure rules.

Times are seconds of one clock that the caller passes in; loads are percent, 0 to 100.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from placement.settings import ChoiceSettings

_SHOWN = 8  # nodes that one line of explanation names


@dataclass(frozen=True)
class Reason:
    """Why something is so: its kind, and the sentence with what was measured.

    A kind has no figures that change from look to look: Prometheus keeps a series for
    each text that a label ever had.
    """

    kind: str
    detail: str | None = None
    """The sentence, where it says more than the kind."""

    def __str__(self) -> str:
        return self.detail or self.kind

    def under(self, kind: str) -> "Reason":
        """The same as the explanation of another kind."""
        told = f"{kind}: {self.kind}"
        return Reason(told, f"{kind}: {self}" if self.detail else None)


@dataclass(frozen=True)
class Reading:
    """What Prometheus says about a node: a load, or why there is none."""

    load: float | None = None
    age: float | None = None
    """Seconds since the sample was taken, where that is known."""

    problem: Reason | None = None


@dataclass(frozen=True)
class Candidate:
    """One node in a decision; `refusal` says why it cannot be chosen, if so."""

    node: str
    hostname: str | None
    load: float | None
    age: float | None
    jobs: int
    refusal: Reason | None


@dataclass(frozen=True)
class Memory:
    """What the next decision has to know of those before."""

    node: str | None = None
    """The node chosen last; it stays while no node can be chosen."""

    moved: float = -math.inf
    """When the choice last moved from one node to another."""

    tempted: Mapping[str, float] = field(default_factory=dict)
    """Since when another node has been better than the chosen one, by its name."""

    lagging: Mapping[str, float] = field(default_factory=dict)
    """Since when each node has been worse than the best one by the margin."""


@dataclass(frozen=True)
class Decision:
    """The outcome of one look at all nodes."""

    node: str | None
    """The chosen node, or None when no node can be chosen."""

    hostname: str | None
    """The chosen node's label kubernetes.io/hostname."""

    load: float | None
    reason: Reason
    """Without the loads, which are told beside it."""

    candidates: tuple[Candidate, ...]
    memory: Memory
    time: float

    @property
    def why(self) -> str:
        """The choice and its reason."""
        if self.node is None:
            return f"no node: {self.reason}"
        return f"{self.node}: {_percent(self.load)}, {self.reason}"

    @property
    def passed_over(self) -> dict[str, str]:
        """Why each other node was not chosen, by name."""
        return {
            each.node: str(each.refusal or f"{_percent(each.load)}, {_jobs(each.jobs)}")
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
        return f"{self.why}{tail}"


def decide(
    found: Collection[Candidate], memory: Memory, rules: ChoiceSettings, now: float
) -> Decision:
    """Choose the least loaded node; leave the last one only for a clear, lasting gain.

    `memory` is that of the decision before. A node that cannot be chosen any more is
    left at once.
    """
    fit = [each for each in found if each.refusal is None]
    if not fit:
        return _nothing(found, memory, now)
    best = min(fit, key=_rank)
    standing = next((each for each in fit if each.node == memory.node), None)
    tempted: dict[str, float] = {}
    chosen, reason = best, _why_best(best, memory.node, found)
    if standing and standing is not best:
        needed = _needed(memory, rules, now)
        if gain(standing, best, rules) >= needed:
            tempted = since(memory.tempted, [standing.node], now)
        held = now - tempted.get(standing.node, math.inf)
        stays = held < rules.hold
        chosen = standing if stays else best
        reason = _stay_or_move(standing, best, needed, held, rules.hold)
    behind = (each.node for each in fit if gain(each, best, rules) >= rules.margin)
    moved = memory.node not in (None, chosen.node)
    remembered = Memory(
        chosen.node,
        now if moved else memory.moved,
        tempted,
        since(memory.lagging, behind, now),
    )
    ordered = tuple(sorted(found, key=_show_rank))
    return Decision(
        chosen.node, chosen.hostname, chosen.load, reason, ordered, remembered, now
    )


def _needed(memory: Memory, rules: ChoiceSettings, now: float) -> float:
    """Points that a move must gain: twice the margin while the last one is young.

    Noise that has just moved the choice is likely to move it back; a node that really
    changes gains more than noise does.
    """
    settling = now - memory.moved < rules.settle
    return rules.margin * (2 if settling else 1)


def _rank(each: Candidate) -> tuple[float, int, str]:
    return (_load(each), each.jobs, each.node)


def _show_rank(each: Candidate) -> tuple[bool, tuple[float, int, str]]:
    return (each.refusal is not None, _rank(each))


def _load(each: Candidate) -> float:
    return 100.0 if each.load is None else each.load


def since(
    before: Mapping[str, float], keys: Iterable[str], now: float
) -> dict[str, float]:
    """Since when each of `keys` has been there without a break."""
    return {key: before.get(key, now) for key in keys}


def gain(each: Candidate, other: Candidate, rules: ChoiceSettings) -> float:
    """Points that a move from one node to another would gain.

    A worker takes its own load along, so what it adds to its node is no gain: without
    this, a worker would flee from itself, back and forth.
    """
    own = rules.worker_load if each.jobs > 0 and other.jobs == 0 else 0.0
    return (_load(each) - own - _load(other)) if each is not other else -1.0


def _stay_or_move(
    standing: Candidate, best: Candidate, needed: float, held: float, hold: float
) -> Reason:
    if held == -math.inf:
        return Reason(f"kept: {best.node} is not better by {needed:g} points")
    if held < hold:
        return Reason(
            f"kept: {best.node} has not been better for {hold:g} s yet",
            f"kept: {best.node} has been better for {held:.0f} of {hold:g} s",
        )
    than = f"better than {standing.node}"
    return Reason(f"{than} for {hold:g} s", f"{than} for {held:.0f} s")


def _why_best(
    best: Candidate, current: str | None, found: Iterable[Candidate]
) -> Reason:
    least = "the least load"
    if current in (None, best.node):
        return Reason(least)
    left = next((each.refusal for each in found if each.node == current), None)
    return (left or Reason("it is gone")).under(f"{least}; {current} was left")


def _nothing(found: Collection[Candidate], memory: Memory, now: float) -> Decision:
    reason = "no node can be chosen" if found else "the cluster has no nodes"
    ordered = tuple(sorted(found, key=_show_rank))
    kept = Memory(memory.node, memory.moved)
    return Decision(None, None, None, Reason(reason), ordered, kept, now)


def _percent(load: float | None) -> str:
    return "load unknown" if load is None else f"{load:.1f} %"


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"
