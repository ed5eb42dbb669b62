"""From the rows that Prometheus answers to one reading for each node. Pure rules."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from placement.loads import Load
from placement.policy import Node, Reading
from placement.queries import PART
from placement.settings import LoadSettings

_USUAL_LABELS = ("node", "kubernetes_node", "nodename", "hostname", "Hostname")

Labels = dict[str, str]
Series = tuple[int, tuple[tuple[str, str], ...]]  # number of the load, labels
Target = tuple[str, str]  # job, instance


@dataclass(frozen=True)
class Survey:
    """What one look at Prometheus gave."""

    readings: Mapping[str, Reading]
    """By node; a node without any series is missing."""

    unmatched: tuple[str, ...] = ()
    """Series whose labels name no node, or several."""


@dataclass
class _Parts:
    """The rows of an answer, by kind."""

    loads: list[tuple[int, Labels, str]] = field(default_factory=list)
    ages: dict[Series, str] = field(default_factory=dict)
    odd: dict[Series, str] = field(default_factory=dict)
    down: set[Target] = field(default_factory=set)
    files: dict[Target, str] = field(default_factory=dict)
    only_files: dict[Target, str] = field(default_factory=dict)


def survey(
    rows: Iterable[Mapping[str, Any]], nodes: Iterable[Node], settings: LoadSettings
) -> Survey:
    """Join the rows of an instant vector into one reading for each node.

    Of several series of one node those in doubt are left out, and the highest of the
    others counts, so that a wrong extra series never makes a node look idle.
    """
    parts = _sort_out(rows)
    names = _Names(nodes, settings.node_map)
    found: dict[str, list[Reading]] = defaultdict(list)
    unmatched = []
    for number, labels, value in parts.loads:
        load = settings.metrics[number]
        node = names.find(labels, load.node_label)
        if node is None:
            unmatched.append(_series(load, labels))
        else:
            found[node].append(
                _reading(parts, number, labels, value, load, settings.max_age)
            )
    readings = {node: _worst(each) for node, each in found.items()}
    return Survey(readings, tuple(unmatched))


def _sort_out(rows: Iterable[Mapping[str, Any]]) -> _Parts:
    parts = _Parts()
    for row in rows:
        labels = row["metric"]
        kind, _, number = labels.pop(PART).partition(" ")
        value = row["value"][1]
        if kind == "load":
            parts.loads.append((int(number), labels, value))
        elif kind in ("age", "odd"):
            by_series = parts.ages if kind == "age" else parts.odd
            by_series[int(number), tuple(labels.items())] = value
        elif kind == "down":
            parts.down.add(_target(labels))
        else:
            by_target = parts.files if kind == "file" else parts.only_files
            by_target[_target(labels)] = value
    return parts


def _target(labels: Labels) -> Target:
    return labels.get("job", ""), labels.get("instance", "")


def _reading(
    parts: _Parts,
    number: int,
    labels: Labels,
    text: str,
    load: Load,
    max_age: float,
) -> Reading:
    series = (number, tuple(labels.items()))
    target = _target(labels)
    age = _number(parts.ages.get(series, "NaN")) if load.is_metric else None
    value = _number(text)
    problem: str | None
    if value is None or not math.isfinite(value):
        problem = f"its value is {text!r}"
    elif series in parts.odd:
        problem = f"a sample of {parts.odd[series]} is no load"
    elif target in parts.down:
        problem = f"its exporter {target[1]} is down (up is 0)"
    else:
        problem = _too_old(parts, target, load, age, max_age)
    if problem is None and not 0 <= (value or 0.0) <= 100:
        problem = f"{text} is not 0 to 100 percent"
    return Reading(None if problem else value, age, problem)


def _too_old(
    parts: _Parts, target: Target, load: Load, age: float | None, max_age: float
) -> str | None:
    if load.is_metric and (age is None or not age <= max_age):
        return f"its last sample is {_seconds(age)} old"
    file_age = parts.files.get(target)
    if file_age is None and load.is_metric:
        file_age = parts.only_files.get(target)
    if file_age is not None:
        return (
            f"its textfile was written {_seconds(_number(file_age))} from now, by that "
            "node's clock"
        )
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _seconds(value: float | None) -> str:
    return "an unknown time" if value is None else f"{value:.0f} s"


def _worst(readings: list[Reading]) -> Reading:
    known = [each for each in readings if each.problem is None]
    return max(known, key=_load_of) if known else readings[0]


def _load_of(reading: Reading) -> float:
    return reading.load or 0.0


def _series(load: Load, labels: Labels) -> str:
    shown = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{load.query}{{{shown}}}"


class _Names:
    """Finds the node that labels name."""

    def __init__(self, nodes: Iterable[Node], node_map: Mapping[str, str]) -> None:
        self._nodes: dict[str, set[str]] = defaultdict(set)
        for node in nodes:
            for name in {node.name, node.hostname or node.name, *node.addresses}:
                self._nodes[name.lower()].add(node.name)
        self._map = node_map

    def find(self, labels: Labels, own_label: str | None) -> str | None:
        """The one node that the labels mean, or None."""
        instance = labels.get("instance", "")
        for name in self._candidates(labels, own_label, instance):
            if name in self._map:
                return self._map[name]
            nodes = self._nodes.get(name.lower(), ())
            if len(nodes) == 1:
                return next(iter(nodes))
        return None

    def _candidates(
        self, labels: Labels, own_label: str | None, instance: str
    ) -> Iterator[str]:
        if instance in self._map:
            yield instance
        for label in (own_label, *_USUAL_LABELS):
            if label is not None and label in labels:
                yield labels[label]
        yield host_of(instance)


def host_of(instance: str) -> str:
    """The host of `host:port` or `[v6]:port`."""
    host, colon, port = instance.rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.startswith("[")):
        host = instance
    return host.removeprefix("[").removesuffix("]")
