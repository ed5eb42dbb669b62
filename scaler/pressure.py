"""When the master's CPU counts as overloaded.

A load counts only once it has lasted, and ends only well below the threshold, so that
the answer does not flap.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PressureRule:
    """Percent above which the CPU is overloaded, and what keeps the answer steady.

    It ends `hysteresis` points below the threshold. Either change must have been due
    for `hold` seconds.
    """

    threshold: float
    hysteresis: float
    hold: float


@dataclass(frozen=True)
class Pressure:
    """Whether the CPU is overloaded, and since when the opposite has been due."""

    high: bool = False
    due_since: float | None = None


def next_pressure(
    state: Pressure, percent: float, now: float, rule: PressureRule
) -> Pressure:
    """The state after a reading of `percent` at `now`, in monotonic seconds."""
    if state.high:
        due = percent < rule.threshold - rule.hysteresis
    else:
        due = percent > rule.threshold
    if not due:
        return replace(state, due_since=None)
    since = now if state.due_since is None else state.due_since
    if now - since < rule.hold:
        return replace(state, due_since=since)
    return Pressure(not state.high)
