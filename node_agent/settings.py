"""The agent's settings: each with its flag, environment variable and default."""

from dataclasses import dataclass
from pathlib import Path

from common import options
from common.hosts import own_node
from common.options import decimal, integer, option


@dataclass(frozen=True)
class AgentSettings:
    """Everything `python -m node_agent` is told."""

    node: str = own_node()
    address: str = option(
        "AGENT_ADDRESS",
        "--address",
        "address that /metrics is served on",
        default="0.0.0.0",  # noqa: S104 - Prometheus is another machine
    )
    port: int = option(
        "AGENT_PORT",
        "--metrics-port",
        "port of /metrics and /healthz",
        default="9108",
        parse=integer(0, 65535),
        old_flag="--port",
    )
    interval: float = option(
        "SAMPLE_INTERVAL",
        "--sample-interval",
        "seconds between two looks at the GPU; one look alone says little",
        default="1",
        parse=decimal(0.05, 60),
    )
    window: float = option(
        "AGENT_WINDOW",
        "--window",
        "seconds over which a load is averaged: the scrape interval",
        default="15",
        parse=decimal(1, 3600),
    )
    sys: Path = option(
        "HOST_SYS",
        "--host-sys",
        "where the node's /sys is seen",
        default="/sys",
        parse=Path,
    )
    proc: Path = option(
        "HOST_PROC",
        "--host-proc",
        "where the node's /proc is seen; only its figures of the whole node are read",
        default="/proc",
        parse=Path,
    )
    log_level: str = options.log_level()
