"""Series that look like a ratio where percent are expected. Pure rules.

An idle GPU and a busy one that is told from 0 to 1 look the same at one moment, so the
highest value of hours is asked for. It is a hint: nothing is refused for it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from placement.loads.query import PART
from placement.settings import LoadSettings

_HOURS = 6
_MOST = 5  # series that are named


def build_ratio_query(settings: LoadSettings) -> str:
    """PromQL for the highest value, in percent, of every series of each metric."""
    return "\nor ".join(
        f"label_replace(max_over_time({load.query}[{_HOURS}h]) * {load.scale!r}, "
        f'"{PART}", "{number}", "", "")'
        for number, load in enumerate(settings.all)
        if load.is_metric
    )


def ratio_hints(
    rows: Iterable[Mapping[str, Any]], settings: LoadSettings
) -> tuple[str, ...]:
    """What to say of series that never left 0 to 1 while others did."""
    highest = [(dict(row["metric"]), float(row["value"][1])) for row in rows]
    if not any(value > 1 for _, value in highest):
        return ()
    small = [(labels, value) for labels, value in highest if 0 < value <= 1]
    return tuple(_hint(labels, value, settings) for labels, value in small[:_MOST])


def _hint(labels: dict[str, str], value: float, settings: LoadSettings) -> str:
    load = settings.all[int(labels.pop(PART))]
    shown = ", ".join(f'{name}="{text}"' for name, text in labels.items())
    return (
        f"{load.query}{{{shown}}} was never above {value:g} in {_HOURS} h, while "
        "others were: if it is a ratio and not percent, put scale=100 before it "
        "in GPU_METRICS"
    )
