"""Placement's settings: each with its flag, environment variable and default."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from common import options
from common.hosts import Host
from common.options import boolean, decimal, integer, option, section
from kube.settings import (
    ClusterSettings,
    LeaseSettings,
    ManifestSettings,
    node_label,
    node_name,
)
from placement.loads.expressions import KNOWN, Load, parse_cpu_loads, parse_loads
from placement.loads.prometheus_settings import PrometheusSettings as PrometheusSettings


def _node_map(text: str) -> dict[str, str]:
    pairs = [item.partition("=") for item in filter(None, re.split(r"[,\s]+", text))]
    if not all(key and equals and value for key, equals, value in pairs):
        raise ValueError("pairs such as 192.168.1.81:9100=jetson1,10.0.0.7=jetson2")
    return {key: node_name(value) for key, _, value in pairs}


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from None
    return text


@dataclass(frozen=True)
class LoadSettings:
    """Where loads come from and when they are not believed."""

    apart: ClassVar = True

    metrics: tuple[Load, ...] = option(
        "GPU_METRICS",
        "--gpu-metrics",
        "metrics or PromQL in percent, separated by ; each may begin with scale=0.1 "
        f"or node=LABEL; known by name: {', '.join(KNOWN)}",
        default="node-agent; jetson",
        parse=parse_loads,
    )
    cpu_metrics: tuple[Load, ...] = option(
        "CPU_METRICS",
        "--cpu-metrics",
        "the same for CPUs: a node's load is the greater of GPU and CPU; none: of the "
        "GPU alone",
        default="cpu",
        parse=parse_cpu_loads,
    )
    window: float = option(
        "LOAD_WINDOW",
        "--load-window",
        "seconds over which a load is averaged",
        default="30",
        parse=decimal(1, 3600),
    )
    max_age: float = option(
        "LOAD_MAX_AGE",
        "--load-max-age",
        "seconds after which a sample, or the file it was read from, is not believed",
        default="90",
        parse=decimal(1, 3600),
    )
    textfile: str = option(
        "LOAD_TEXTFILE",
        "--load-textfile",
        "regular expression for the textfiles of the node exporter that hold loads",
        default="(?i).*(gpu|jetson|tegra|orin).*",
        parse=_regex,
    )

    @property
    def all(self) -> tuple[Load, ...]:
        """Those of GPUs, then those of CPUs."""
        return (*self.metrics, *self.cpu_metrics)

    node_map: dict[str, str] | None = option(
        "NODE_MAP",
        "--node-map",
        "instances or label values and the nodes they mean, as 10.0.0.7:9100=jetson1",
        default=None,
        parse=_node_map,
    )


@dataclass(frozen=True)
class ChoiceSettings:
    """How the node is chosen."""

    apart: ClassVar = True

    label: str = option(
        "NODE_LABEL",
        "--node-label",
        "label that a node must carry, key or key=value",
        default="gpu-node",
        parse=node_label,
    )
    margin: float = option(
        "MARGIN",
        "--margin",
        "points by which another node must be better before the choice moves",
        default="15",
        parse=decimal(0, 100),
    )
    hold: float = option(
        "HOLD",
        "--hold",
        "seconds for which it must have been better",
        default="120",
        parse=decimal(0, 86400),
    )
    settle: float = option(
        "SETTLE",
        "--settle",
        "seconds after a move during which the next one needs twice the margin",
        default="3600",
        parse=decimal(0, 86400),
    )
    worker_load: float = option(
        "WORKER_LOAD",
        "--worker-load",
        "points that one running worker adds to its node's load, so that it does not "
        "flee from itself",
        default="10",
        parse=decimal(0, 100),
    )


@dataclass(frozen=True)
class HandOverSettings:
    """When a running Job is ended so that the next one starts on a better node."""

    apart: ClassVar = True

    enabled: bool = option(
        "HAND_OVER",
        "--hand-over",
        "end a running Job when another node has been better for the hold time; "
        "--no-hand-over leaves running Jobs alone",
        default="true",
        parse=boolean,
    )
    min_stay: float = option(
        "MIN_STAY",
        "--min-stay",
        "seconds that a Job stays on its node at least before it is handed over",
        default="600",
        parse=decimal(0, 86400),
    )
    lost_after: float = option(
        "LOST_AFTER",
        "--lost-after",
        "seconds after which a Job on a node that is not Ready or gone is replaced",
        default="30",
        parse=decimal(0, 86400),
    )
    pending_limit: float = option(
        "PENDING_LIMIT",
        "--pending-limit",
        "seconds after which a Job whose pod fits nowhere is replaced",
        default="60",
        parse=decimal(0, 86400),
    )


@dataclass(frozen=True)
class PatchSettings:
    """Everything `patch_scaledjob.py` is told."""

    manifest: ManifestSettings = section(ManifestSettings)
    prometheus: PrometheusSettings = section(PrometheusSettings)
    loads: LoadSettings = section(LoadSettings)
    cluster: ClusterSettings = section(ClusterSettings)
    choice: ChoiceSettings = section(ChoiceSettings)
    log_level: str = options.log_level()


@dataclass(frozen=True)
class WatcherSettings:
    """Everything `gpu_affinity_watcher.py` is told."""

    prometheus: PrometheusSettings = section(PrometheusSettings)
    loads: LoadSettings = section(LoadSettings)
    cluster: ClusterSettings = section(ClusterSettings)
    choice: ChoiceSettings = section(ChoiceSettings)
    hand_over: HandOverSettings = section(HandOverSettings)
    lease: LeaseSettings = section(LeaseSettings)
    interval: float = option(
        "WATCH_INTERVAL",
        "--interval",
        "seconds between two looks at the loads",
        default="10",
        parse=decimal(0.1, 3600),
    )
    last_node: Path = option(
        "LAST_NODE_FILE",
        "--last-node-file",
        "file that keeps the chosen node between two runs",
        default="last_node.txt",
        parse=Path,
    )
    port: int = option(
        "WATCHER_PORT",
        "--metrics-port",
        "port of /metrics and /healthz; 0 for none",
        default="9105",
        parse=integer(0, 65535),
        old_flag="--port",
    )
    address: str = option(
        "WATCHER_ADDRESS",
        "--address",
        "address that the port is opened on",
        default="127.0.0.1",
        parse=Host("WATCHER_ADDRESS", "WATCHER_PORT"),
    )
    log_level: str = options.log_level()
