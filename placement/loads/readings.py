"""From the rows that Prometheus answers to one reading for each node. Pure rules."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kube.nodes import Node
from placement.decision import Reading
from placement.loads.expressions import Load
from placement.loads.query import PART
from placement.settings import LoadSettings

_USUAL_LABELS = ("node", "kubernetes_node", "nodename", "hostname", "Hostname")

Labels = dict[str, str]
Series = tuple[str, ...]  # number of the load, names of labels, values of labels
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
    """The rows of an answer, by kind; see `build_query`."""

    loads: list[tuple[int, Series, Labels, str]] = field(default_factory=list)
    odd: dict[Series, str] = field(default_factory=dict)
    old: dict[Series, str] = field(default_factory=dict)
    age: dict[Series, str] = field(default_factory=dict)
    down: dict[Target, str] = field(default_factory=dict)
    file: dict[Target, str] = field(default_factory=dict)
    only: dict[Target, str] = field(default_factory=dict)
    why: dict[tuple[Target, str], str] = field(default_factory=dict)
    """By target and `gpu` or `cpu`."""

    own: dict[str, float] = field(default_factory=dict)
    """Cores that our workers use, by the node's name."""


def survey(
    rows: Iterable[Mapping[str, Any]], nodes: Iterable[Node], settings: LoadSettings
) -> Survey:
    """Join the rows of an instant vector into one reading for each node.

    Of several series of one node those in doubt are left out, and the highest of the
    others counts, so that a wrong extra series never makes a node look idle. That is
    done for GPUs and for CPUs; of both the greater is the node's load, and where one
    of them is told but in doubt, the node's load is unknown.
    """
    parts, nodes = _sort_out(rows), tuple(nodes)
    names = _Names(nodes, settings.node_map or {})
    loads, gpus = settings.all, len(settings.metrics)
    by_gpu: dict[str, Reading] = {}
    by_cpu: dict[str, Reading] = {}
    unmatched = []
    for number, series, labels, value in parts.loads:
        load, of_gpu = loads[number], number < gpus
        node = names.find(labels, load.node_label)
        if node is None:
            if of_gpu:  # node exporters run on many machines that are no nodes
                unmatched.append(_series(load, labels))
            continue
        readings = by_gpu if of_gpu else by_cpu
        why = parts.why.get((_target(labels), "gpu" if of_gpu else "cpu"))
        reading = _reading(parts, series, _target(labels), value, load, why)
        readings[node] = _worse(readings.get(node), reading)
    if by_cpu:
        others = _of_others(by_cpu, parts.own, nodes)
        by_gpu = {n: _greater(r, others.get(n)) for n, r in by_gpu.items()}
    return Survey(by_gpu, tuple(unmatched))


def _sort_out(rows: Iterable[Mapping[str, Any]]) -> _Parts:
    parts = _Parts()
    by_series = {"odd": parts.odd, "old": parts.old, "age": parts.age}
    by_target = {"down": parts.down, "file": parts.file, "only": parts.only}
    for row in rows:
        labels = row["metric"]
        kind, _, number = labels.pop(PART).partition(" ")
        value = row["value"][1]
        series = (number, *labels, *labels.values())
        if kind == "load":
            parts.loads.append((int(number), series, labels, value))
        elif kind in by_series:
            by_series[kind][series] = value
        elif kind == "own":
            parts.own[labels.get("node", "")] = _number(value) or 0.0
        elif kind == "why":
            parts.why[_target(labels), labels["reading"]] = labels["reason"]
        else:
            by_target[kind][_target(labels)] = value
    return parts


def _target(labels: Labels) -> Target:
    return labels.get("job", ""), labels.get("instance", "")


def _reading(
    parts: _Parts,
    series: Series,
    target: Target,
    text: str,
    load: Load,
    why: str | None,
) -> Reading:
    value = _number(text)
    problem: str | None
    if value is None or not math.isfinite(value):
        problem = why or f"its value is {text!r}"
    elif series in parts.odd:
        problem = f"a sample of {parts.odd[series]} is no load"
    elif target in parts.down:
        problem = f"its exporter {target[1]} is down (up is 0)"
    else:
        problem = _too_old(parts, series, target, load)
    if problem is None and not 0 <= (value or 0.0) <= 100:
        problem = f"{text} is not 0 to 100 percent"
    age = _number(parts.age.get(series))
    return Reading(None if problem else value, age, problem)


def _too_old(parts: _Parts, series: Series, target: Target, load: Load) -> str | None:
    if series in parts.old:
        return f"its last sample is {_seconds(parts.old[series])} old"
    written = parts.file.get(target)
    if written is None and load.is_metric:
        written = parts.only.get(target)
    if written is None:
        return None
    return (
        f"its textfile was written {_seconds(written)} from now, by that node's clock"
    )


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except (TypeError, ValueError):
        return None


def _seconds(text: str) -> str:
    value = _number(text)
    return "an unknown time" if value is None else f"{value:.0f} s"


def _worse(before: Reading | None, reading: Reading) -> Reading:
    if before is None or before.load is None:
        return reading
    higher = reading.load is not None and reading.load > before.load
    return reading if higher else before


def _greater(gpu: Reading, cpu: Reading | None) -> Reading:
    """The node's reading by those of its GPU and its CPU."""
    if gpu.load is None or cpu is None:
        return gpu
    if cpu.load is None:
        return Reading(None, cpu.age, f"its CPU: {cpu.problem}")
    return cpu if cpu.load > gpu.load else gpu


def _of_others(
    by_cpu: Mapping[str, Reading], own: Mapping[str, float], nodes: Iterable[Node]
) -> dict[str, Reading]:
    """CPU loads without what our own workers make, or they would flee from themselves.

    What a worker uses goes with it to any other node.
    """
    found = dict(by_cpu)
    for node in nodes:
        reading, cores = found.get(node.name), own.get(node.name)
        if reading and reading.load is not None and cores and node.cores:
            others = max(0.0, reading.load - 100 * cores / node.cores)
            found[node.name] = replace(reading, load=others)
    return found


def _series(load: Load, labels: Labels) -> str:
    shown = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{load.query}{{{shown}}}"


class _Names:
    """Finds the node that labels name."""

    def __init__(self, nodes: Iterable[Node], node_map: Mapping[str, str]) -> None:
        self._map = node_map
        self._nodes: dict[str, str | None] = {}  # None: the name of several nodes
        for node in nodes:
            for name in (node.name, node.hostname or node.name, *node.addresses):
                known = self._nodes.setdefault(name.lower(), node.name)
                if known != node.name:
                    self._nodes[name.lower()] = None

    def find(self, labels: Labels, own_label: str | None) -> str | None:
        """The one node that the labels mean, or None."""
        for name in self._candidates(labels, own_label):
            node = self._map.get(name) or self._nodes.get(name.lower())
            if node is not None:
                return node
        return None

    def _candidates(self, labels: Labels, own_label: str | None) -> Iterator[str]:
        instance = labels.get("instance", "")
        if instance in self._map:
            yield instance
        if own_label is not None and own_label in labels:
            yield labels[own_label]
        for label in _USUAL_LABELS:
            if label in labels:
                yield labels[label]
        yield host_of(instance)


def host_of(instance: str) -> str:
    """The host of `host:port` or `[v6]:port`."""
    host, colon, port = instance.rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.startswith("[")):
        host = instance
    return host.removeprefix("[").removesuffix("]")
