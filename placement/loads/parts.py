"""The rows of Prometheus's answer, sorted by what they say; see `query`. Pure rules."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from placement.loads.query import PART

Labels = dict[str, str]
Series = tuple[str, ...]  # number of the load, names of labels, values of labels
Target = tuple[str, str]  # job, instance
Origin = tuple[str, ...]  # those, and of an exporter behind a gateway its own two


@dataclass
class Parts:
    """The rows of an answer, by kind; see `build_query`."""

    loads: list[tuple[int, Series, Labels, str]] = field(default_factory=list)
    odd: dict[Series, str] = field(default_factory=dict)
    old: dict[Series, str] = field(default_factory=dict)
    age: dict[Series, str] = field(default_factory=dict)
    down: dict[Target, str] = field(default_factory=dict)
    file: dict[Origin, str] = field(default_factory=dict)
    only: dict[Origin, str] = field(default_factory=dict)
    push: dict[Origin, list[tuple[Labels, str]]] = field(default_factory=dict)
    """Groups that a gateway repeats, and their ages."""

    why: dict[tuple[Target, str], str] = field(default_factory=dict)
    """By target and `gpu` or `cpu`."""

    own: dict[str, float] = field(default_factory=dict)
    """Cores that our workers use, by the node's name."""

    keeps_nan: bool = False


def sort_out(rows: Iterable[Mapping[str, Any]]) -> Parts:
    """The rows of an instant vector by kind; takes their labels apart.

    Raises:
        ValueError, KeyError, ...: rows that were not asked for.
    """
    parts = Parts()
    by_series = {"odd": parts.odd, "old": parts.old, "age": parts.age}
    by_origin = {"file": parts.file, "only": parts.only}
    for row in rows:
        labels = row["metric"]
        kind, _, number = labels.pop(PART).partition(" ")
        value = row["value"][1]
        # Some servers leave it where Prometheus takes it away; then nothing would fit.
        labels.pop("__name__", None)
        if kind == "load":
            parts.loads.append((int(number), _series(number, labels), labels, value))
        elif kind in by_series:
            by_series[kind][_series(number, labels)] = value
        elif kind in by_origin:
            by_origin[kind][origin_of(labels)] = value
        else:
            _take(parts, kind, labels, value)
    return parts


def _take(parts: Parts, kind: str, labels: Labels, value: str) -> None:
    if kind == "down":
        parts.down[target_of(labels)] = value
    elif kind == "push":
        parts.push.setdefault(origin_of(labels), []).append((labels, value))
    elif kind == "why":
        parts.why[target_of(labels), labels["reading"]] = labels["reason"]
    elif kind == "own":
        parts.own[labels.get("node", "")] = to_number(value) or 0.0
    elif kind == "nan":
        parts.keeps_nan = True
    else:
        raise ValueError(f"a part that nobody asked for: {kind}")


def _series(number: str, labels: Labels) -> Series:
    return number, *labels, *labels.values()


def target_of(labels: Labels) -> Target:
    """What was scraped, which may be a gateway."""
    return labels.get("job", ""), labels.get("instance", "")


def origin_of(labels: Labels) -> Origin:
    """What was scraped, and whose samples it handed on."""
    own = labels.get("exported_job", ""), labels.get("exported_instance", "")
    return *target_of(labels), *own


def to_number(text: str | None) -> float | None:
    """A sample's value; None if it is none."""
    try:
        return None if text is None else float(text)
    except (TypeError, ValueError):
        return None
