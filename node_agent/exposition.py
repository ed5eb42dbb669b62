"""Prometheus' text format, version 0.0.4, as far as gauges and counters need it.

prometheus-client would more than double the agent's memory.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "posture_node_"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Sample:
    """One value with its labels."""

    def __init__(self, value: float, **labels: str) -> None:
        self.value = value
        self.labels = labels


@dataclass(frozen=True)
class Family:
    """All samples of one metric; `name` is without the prefix `posture_node_`."""

    name: str
    text: str
    samples: list[Sample]
    kind: str = "gauge"


def render(families: Iterable[Family], node: str) -> str:
    """The text of all of them, each with the label `node`."""
    return "".join(line for family in families for line in _lines(family, node))


def _lines(family: Family, node: str) -> Iterable[str]:
    name = f"{_PREFIX}{family.name}"
    yield f"# HELP {name} {family.text}\n# TYPE {name} {family.kind}\n"
    for sample in family.samples:
        pairs = {"node": node, **sample.labels}.items()
        labels = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in pairs)
        yield f"{name}{{{labels}}} {_number(sample.value)}\n"


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else repr(float(value))
