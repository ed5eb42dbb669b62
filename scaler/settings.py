"""The settings of `cpu_monitor_and_offload.py`."""

from dataclasses import dataclass
from typing import ClassVar

from common import options
from common.broker_settings import BrokerSettings, WorkloadSettings, plain_topic
from common.hosts import Host
from common.options import boolean, decimal, integer, option, same, section
from kube.settings import ClusterSettings, node_name
from placement.settings import ChoiceSettings, LoadSettings, PrometheusSettings


@dataclass(frozen=True)
class GrpcSettings:
    """How KEDA reaches the scaler."""

    apart: ClassVar = True

    address: str = option(
        "SCALER_ADDRESS",
        "--address",
        "address that the ports are opened on",
        default="0.0.0.0",  # noqa: S104 - KEDA asks from the cluster
        parse=Host("SCALER_ADDRESS", "SCALER_PORT"),
    )
    port: int = option(
        "SCALER_PORT",
        "--scaler-port",
        "port for KEDA",
        default="50051",
        parse=options.port,
        old_flag="--port",
    )
    cert_file: str | None = option(
        "SCALER_CERT_FILE",
        "--tls-cert-file",
        "PEM file with the scaler's certificate; with it, only TLS is spoken",
        default=None,
    )
    key_file: str | None = option(
        "SCALER_KEY_FILE",
        "--tls-key-file",
        "PEM file with the certificate's key",
        default=None,
    )
    client_ca_file: str | None = option(
        "SCALER_CLIENT_CA_FILE",
        "--tls-client-ca-file",
        "PEM file with the CA of KEDA's certificate; with it, no one else is answered",
        default=None,
    )
    connection_age: float = option(
        "SCALER_CONNECTION_AGE",
        "--connection-age",
        "seconds after which a connection is ended, so that KEDA looks up the address "
        "again",
        default="300",
        parse=decimal(1, 86400),
    )
    grace: float = option(
        "SCALER_STOP_GRACE",
        "--stop-grace",
        "seconds that calls under way may take to end when the scaler stops",
        default="3",
        parse=decimal(0, 300),
    )
    metrics_port: int = option(
        "SCALER_METRICS_PORT",
        "--metrics-port",
        "port of /metrics; 0 for none",
        default="9106",
        parse=integer(0, 65535),
    )


@dataclass(frozen=True)
class DemandSettings:
    """When Jobs are wanted, and how many."""

    gone: ClassVar = {"SCALER_SETTLE": "set SCALER_FRESH"}

    gpu_threshold: float = option(
        "GPU_THRESHOLD",
        "--gpu-threshold",
        "GPU load in percent below which a node is free; a trigger's threshold wins",
        default="80",
        parse=decimal(0, 100),
    )
    staleness: float = option(
        "SCALER_STALENESS",
        "--staleness",
        "seconds after which a reading is not believed; a trigger's staleness wins",
        default="60",
        parse=decimal(1, 3600),
    )
    interval: float = option(
        "SCALER_INTERVAL",
        "--interval",
        "seconds between two readings of the loads, and of the Jobs",
        default="2",
        parse=decimal(0.1, 60),
    )
    workers: int = same(WorkloadSettings, "workers")
    fresh: float = option(
        "SCALER_FRESH",
        "--fresh",
        "seconds for which a picture counts as new; at least 5 less than the worker's "
        "EXIT_WHEN_IDLE",
        default="15",
        parse=decimal(0.1, 3600),
    )
    patience: float = option(
        "SCALER_PATIENCE",
        "--patience",
        "seconds for which the move of the ScaledJob to a better node is waited for; "
        "then Jobs are wanted on its own, if that is free",
        default="30",
        parse=decimal(0, 86400),
    )
    move_guard: float = option(
        "SCALER_MOVE_GUARD",
        "--move-guard",
        "seconds after a move of the ScaledJob for which KEDA may still hold the one "
        "of before, so that no Job is wanted",
        default="3",
        parse=decimal(0, 60),
    )
    always_wanted: bool = option(
        "ALWAYS_WANTED",
        "--always-wanted",
        "want Jobs whenever a GPU is free, whether pictures are waiting or not",
        default="false",
        parse=boolean,
    )
    topic: str = same(WorkloadSettings, "topic")
    backlog_topic: str | None = option(
        "BACKLOG_TOPIC",
        "--backlog-topic",
        "topic that tells how many pictures are waiting, as a number",
        default=None,
        parse=plain_topic,
    )
    backlog_above: float = option(
        "BACKLOG_ABOVE",
        "--backlog-above",
        "number on that topic up to which nothing is waiting",
        default="0",
        parse=decimal(0, 1e12),
    )


@dataclass(frozen=True)
class MasterSettings:
    """The master's CPU, and what is done when it is overloaded."""

    threshold: float = option(
        "CPU_THRESHOLD",
        "--threshold",
        "CPU load of the master in percent above which it is overloaded",
        default="60",
        parse=decimal(0, 100),
    )
    hysteresis: float = option(
        "CPU_HYSTERESIS",
        "--hysteresis",
        "points below the threshold at which it is not overloaded any more",
        default="10",
        parse=decimal(0, 100),
    )
    hold: float = option(
        "CPU_HOLD",
        "--cpu-hold",
        "seconds for which the load must have been above, or below",
        default="30",
        parse=decimal(0, 3600),
    )
    interval: float = option(
        "CPU_INTERVAL",
        "--cpu-interval",
        "seconds over which the load is measured",
        default="2",
        parse=decimal(0.1, 60),
    )
    node: str | None = option(
        "OFFLOAD_NODE",
        "--offload-node",
        "node that is tainted image-offload=true:NoSchedule while the master is "
        "overloaded; without one, nothing is tainted",
        default=None,
        parse=node_name,
    )
    dry_run: bool = option(
        "DRY_RUN",
        "--dry-run",
        "only say when the node would be tainted",
        default="false",
        parse=boolean,
    )


@dataclass(frozen=True)
class ScalerSettings:
    """Everything `cpu_monitor_and_offload.py` is told."""

    grpc: GrpcSettings = section(GrpcSettings)
    demand: DemandSettings = section(DemandSettings)
    broker: BrokerSettings = section(BrokerSettings)
    prometheus: PrometheusSettings = section(PrometheusSettings)
    loads: LoadSettings = section(LoadSettings)
    cluster: ClusterSettings = section(ClusterSettings)
    choice: ChoiceSettings = section(ChoiceSettings)
    master: MasterSettings = section(MasterSettings)
    log_level: str = options.log_level()


@dataclass(frozen=True)
class MonitorSettings:
    """What `cpu_monitor_and_offload.py --only monitor` is told."""

    master: MasterSettings = section(MasterSettings)
    cluster: ClusterSettings = section(ClusterSettings)
    address: str = same(GrpcSettings, "address")
    metrics_port: int = same(GrpcSettings, "metrics_port")
    log_level: str = options.log_level()
