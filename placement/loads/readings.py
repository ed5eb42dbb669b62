"""From the rows that Prometheus answers to one reading for each node. Pure rules."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from kube.nodes import Node
from placement.decision import Reading, Reason
from placement.eligibility import no_percentage
from placement.loads.expressions import Load
from placement.loads.names import Match, Names
from placement.loads.parts import (
    Labels,
    Parts,
    Series,
    origin_of,
    sort_out,
    target_of,
    to_number,
)
from placement.settings import LoadSettings

_DROPS_NAN = (
    "this server drops NaN, as VictoriaMetrics does and Prometheus does not: a load "
    "whose exporter has begun to tell NaN is believed until LOAD_MAX_AGE is over, and "
    "samples that are old by time stamps of their own count as new unless the scrape "
    "has honor_timestamps: true"
)


@dataclass(frozen=True)
class Survey:
    """What one look at Prometheus gave."""

    readings: Mapping[str, Reading]
    """By node; a node without any series is missing."""

    unmatched: tuple[str, ...] = ()
    """Series whose labels name no node, or several."""

    doubts: tuple[str, ...] = ()
    """What is to be known of the server and the metrics, in words."""


class _Found(NamedTuple):
    match: Match
    reading: Reading
    of_gpu: bool
    text: str
    """The series as it is shown, where its name may be disputed."""


def survey(
    rows: Iterable[Mapping[str, Any]], nodes: Iterable[Node], settings: LoadSettings
) -> Survey:
    """Join the rows of an instant vector into one reading for each node.

    Of several series of one node those in doubt are left out, and the highest of the
    others counts, so that a wrong extra series never makes a node look idle. That is
    done for GPUs and for CPUs; of both the greater is the node's load, and where one
    of them is told but in doubt, the node's load is unknown.
    """
    parts, nodes = sort_out(rows), tuple(nodes)
    names = Names(nodes, settings.node_map or {})
    found: list[_Found] = []
    unmatched = []
    for number, series, labels, value in parts.loads:
        load, of_gpu = settings.all[number], number < len(settings.metrics)
        match = names.find(labels, load.node_label)
        if match is None:
            if of_gpu:  # node exporters run on many machines that are no nodes
                unmatched.append(_shown(load, labels))
            continue
        why = parts.why.get((target_of(labels), "gpu" if of_gpu else "cpu"))
        reading = _reading(parts, series, labels, value, load, why)
        text = _shown(load, labels) if match.qualified else ""
        found.append(_Found(match, reading, of_gpu, text))
    by_gpu, by_cpu, disputed = _by_node(found)
    if by_cpu:
        others = _of_others(by_cpu, parts.own, nodes)
        by_gpu = {n: _greater(r, others.get(n)) for n, r in by_gpu.items()}
    return Survey(by_gpu, (*unmatched, *disputed), _doubts(parts, settings))


def _by_node(
    found: list[_Found],
) -> tuple[dict[str, Reading], dict[str, Reading], list[str]]:
    """The readings of GPUs and CPUs, and the series that may be of another machine."""
    by_gpu: dict[str, Reading] = {}
    by_cpu: dict[str, Reading] = {}
    disputed = _disputed(each.match for each in found)
    unmatched = []
    for each in found:
        node = each.match.node
        if each.match.qualified and node in disputed:
            unmatched.append(each.text)
        else:
            readings = by_gpu if each.of_gpu else by_cpu
            readings[node] = _worse(readings.get(node), each.reading)
    return by_gpu, by_cpu, unmatched


def _disputed(matches: Iterable[Match]) -> set[str]:
    """Nodes that are named by their short name in several domains."""
    domains: dict[str, set[str]] = {}
    for match in matches:
        if match.qualified:
            domains.setdefault(match.node, set()).add(match.qualified)
    return {node for node, known in domains.items() if len(known) > 1}


def _doubts(parts: Parts, settings: LoadSettings) -> tuple[str, ...]:
    said = [
        f"{load.query} is called a ratio, so it is taken times 100; if it is percent, "
        "put scale=1 before it in GPU_METRICS"
        for load in settings.metrics
        if load.is_ratio
    ]
    return (*said, *(() if parts.keeps_nan else (_DROPS_NAN,)))


def _reading(
    parts: Parts,
    series: Series,
    labels: Labels,
    text: str,
    load: Load,
    why: str | None,
) -> Reading:
    value, target = to_number(text), target_of(labels)
    problem: Reason | None
    if value is None or not math.isfinite(value):
        problem = Reason(why or f"its value is {text!r}")
    elif series in parts.odd:
        odd = f"a sample of {parts.odd[series]} is no load"
        problem = Reason("a sample is no load", odd)
    elif target in parts.down:
        problem = Reason(f"its exporter {target[1]} is down (up is 0)")
    else:
        problem = _too_old(parts, series, labels, load)
    if problem is None and not 0 <= (value or 0.0) <= 100:
        problem = no_percentage(text)
    age = to_number(parts.age.get(series))
    return Reading(None if problem else value, age, problem)


def _too_old(parts: Parts, series: Series, labels: Labels, load: Load) -> Reason | None:
    if series in parts.old:
        age = _seconds(parts.old[series])
        return Reason("its last sample is too old", f"its last sample is {age} old")
    origin = origin_of(labels)
    for group, pushed in parts.push.get(origin, ()):
        if group.items() <= labels.items():
            kind = "it was pushed and is repeated since"
            detail = f"it was pushed {_seconds(pushed)} ago and is repeated since"
            return Reason(kind, detail)
    written = parts.file.get(origin)
    if written is None and load.is_metric:
        written = parts.only.get(origin)
    if written is None:
        return None
    age = _seconds(written)
    return Reason(
        "its textfile was not written lately, by that node's clock",
        f"its textfile was written {age} from now, by that node's clock",
    )


def _seconds(text: str) -> str:
    value = to_number(text)
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
        problem = cpu.problem or Reason("it is unknown")
        return Reading(None, cpu.age, problem.under("its CPU"))
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


def _shown(load: Load, labels: Labels) -> str:
    shown = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{load.query}{{{shown}}}"
