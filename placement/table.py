"""Nodes, loads and the choice as text for people."""

from collections.abc import Iterable, Sequence

from placement.decision import Candidate, Decision
from placement.loads.readings import Survey

_HEAD = ("", "NODE", "LOAD", "AGE", "JOBS", "ELIGIBLE")


def table(decision: Decision, survey: Survey) -> str:
    """A table of all nodes, the reason of the choice and what fits no node."""
    rows = [_HEAD, *(_row(each, decision) for each in decision.candidates)]
    lines = [*_aligned(rows), "", decision.why]
    if survey.unmatched:
        lines += ["", "series that name no node of the cluster (see NODE_MAP):"]
        lines += [f"  {each}" for each in survey.unmatched]
    if survey.doubts:
        lines += ["", *survey.doubts]
    return "\n".join(lines)


def _row(each: Candidate, decision: Decision) -> tuple[str, ...]:
    return (
        "->" if each.node == decision.node else "",
        each.node,
        "-" if each.load is None else f"{each.load:.1f} %",
        "-" if each.age is None else f"{each.age:.0f} s",
        str(each.jobs),
        f"no: {each.refusal}" if each.refusal else "yes",
    )


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
