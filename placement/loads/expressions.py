"""Which metrics tell a node's load: their names, scales and the labels that name nodes.

A list of loads is text such as

    jetson_gpu_usage_percent; scale=0.1 gpu_load_per_mille; node=host my_load{gpu="0"}

Each item is a PromQL expression or a metric, with `scale=` (times that gives percent)
and `node=` (label that names the node) before it. The names in `KNOWN` stand for
exporters whose metrics are known.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

_CPU = (
    '100 * (1 - avg by (instance, job) (rate(node_cpu_seconds_total{mode="idle"}[1m])))'
)

KNOWN = {
    "node-agent": "posture_node_gpu_load_percent",
    "jetson": "jetson_gpu_usage_percent; jetson_orin_gpu_load_percent",
    "jetson-stats": 'jetson_usage_gpu{gpu=~"val|load"}',
    "dcgm": "node=Hostname DCGM_FI_DEV_GPU_UTIL",
    "tegrastats": "tegrastats_gr3d_usage_percentage",
    "waggle": "scale=100 gpu_current_load",
    "cpu": f"posture_node_cpu_load_percent; {_CPU}",
}
"""By name; `cpu` is what the node agent and the node exporter tell of all cores."""

NONE = "none"

_STRING = r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'|`[^`]*`"
_ITEMS = re.compile(rf"(?:{_STRING}|[^;\n\"'`])+")
_SELECTOR = re.compile(
    rf"(?:[a-zA-Z_:][a-zA-Z0-9_:]*)?(?:\{{(?:{_STRING}|[^{{}}\"'`])*\}})?"
)
_RATIO = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*_ratio(?:\{|$)|\{__name__=\"\w+_ratio\"")
_OPTION = re.compile(r"(scale|node)=(\S+)\s+(?=\S)")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Load:
    """One metric or PromQL expression that tells the load of nodes."""

    query: str
    scale: float = 1.0
    """What the value is multiplied with to give percent."""

    node_label: str | None = None
    """The label that names the node, tried before the usual ones."""

    is_ratio: bool = False
    """Whether it is taken times 100 for its name alone."""

    @cached_property
    def is_metric(self) -> bool:
        """Whether it only selects series: computed values have no age of their own."""
        return _SELECTOR.fullmatch(self.query) is not None


def parse_loads(text: str) -> tuple[Load, ...]:
    """Read a list of loads; raises ValueError saying what was expected."""
    loads = tuple(_items(text))
    if not loads:
        raise ValueError("metrics or PromQL expressions, separated by ;")
    return loads


def parse_cpu_loads(text: str) -> tuple[Load, ...]:
    """The same, where `none` is no load at all.

    Raises:
        ValueError: it cannot be read; says what was expected.
    """
    return () if text.strip() == NONE else parse_loads(text)


def _items(text: str) -> Iterator[Load]:
    if _ITEMS.sub("", text).strip("; \n\t"):
        raise ValueError("metrics separated by ; with every quote closed")
    for item in filter(None, map(str.strip, _ITEMS.findall(text))):
        if item in KNOWN:
            yield from _items(KNOWN[item])
        else:
            yield _load(item)


def _load(item: str) -> Load:
    scale, label = None, None
    while given := _OPTION.match(item):
        name, value = given.groups()
        if name == "scale":
            scale = _scale(value)
        else:
            label = _label(value)
        item = item[given.end() :]
    # By the naming rules of Prometheus a ratio is from 0 to 1.
    is_ratio = scale is None and _RATIO.match(item) is not None
    return Load(item, scale or (100.0 if is_ratio else 1.0), label, is_ratio)


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0 < scale < math.inf:
        raise ValueError(f"a scale above 0, not {text!r}")
    return scale


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise ValueError(f"a label's name after node=, not {text!r}")
    return text
