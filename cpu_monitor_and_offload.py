"""The KEDA scaler and the CPU monitor: KEDA asks how many Jobs should exist now.

Runs until a signal, or ESC or ENTER in a terminal. On a workstation it is both; in the
cluster each is a process of its own, with `--only`.

Exit codes: 0 stopped as asked, 1 cannot work here (port, certificates, cluster
credentials), 2 wrong settings.
"""

import argparse
import contextlib
import gc
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from common import cli, options
from common.keyboard import listening
from common.signals import Stop, on_stop_signals
from scaler.settings import MonitorSettings, ScalerSettings

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

log = logging.getLogger("scaler.scaler")


def main(argv: list[str] | None = None) -> int:
    """Serve KEDA and watch the CPU, or one of both, until told to stop."""
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--only",
        choices=("scaler", "monitor"),
        help="answer KEDA and leave the CPU alone, or the other way round",
    )
    options.add_arguments(parser, ScalerSettings)
    arguments = parser.parse_args(argv)
    run = _watch_the_cpu if arguments.only == "monitor" else _serve
    return cli.exit_code(lambda: run(arguments), log.error)


def _stay_on_one_core() -> None:
    # Python's lock lets one thread work at a time. On several cores the threads of a
    # call wake each other from core to core: the slowest of 50 at a time take a third
    # longer. The last core, for interrupts mostly keep to the first.
    with contextlib.suppress(OSError):  # where it is forbidden
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _serve(arguments: argparse.Namespace) -> int:
    settings = cli.read(ScalerSettings, arguments)
    stop = _begin(settings.log_level)
    # Imported here so that --help and wrong settings answer at once.
    from kube.live import LiveCluster
    from placement.loads.source import load_source
    from scaler.cpu_monitor import MasterMonitor
    from scaler.metrics import MasterTelemetry, ScalerTelemetry
    from scaler.scaler import Scaler
    from scaler.server import ScalerServer
    from scaler.servicer import ScalerService

    _stay_on_one_core()
    grpc_settings = settings.grpc
    telemetry = ScalerTelemetry()
    cluster = LiveCluster(settings.cluster)
    scaler = Scaler(settings, cluster, load_source(settings.prometheus), telemetry)
    served = (cluster.namespace, settings.cluster.scaledjob)
    service = ScalerService(scaler.wanted, scaler.defaults, served, telemetry)
    server = ScalerServer(grpc_settings, service, lambda: scaler.trouble() is None)
    monitor = None
    if arguments.only is None:
        master = MasterTelemetry(telemetry.registry)
        monitor = MasterMonitor(settings.master, cluster, master.overloaded)
    _open_status(
        grpc_settings.address,
        grpc_settings.metrics_port,
        telemetry.registry,
        scaler.trouble,
    )
    port = server.start()
    cluster.start()
    scaler.start()
    if monitor:
        monitor.start()
    gc.freeze()  # what is loaded stays: looking through it again would delay calls
    log.info("serving %s/%s on port %d", *served, port)
    _wait_for_the_end(stop)
    server.stop()
    scaler.stop()
    cluster.stop()
    if monitor:
        monitor.stop()
    return 0


def _watch_the_cpu(arguments: argparse.Namespace) -> int:
    settings = cli.read(MonitorSettings, arguments)
    stop = _begin(settings.log_level)
    from kube.cluster import Cluster
    from scaler.cpu_monitor import MasterMonitor
    from scaler.metrics import MasterTelemetry

    telemetry = MasterTelemetry()
    cluster = Cluster(settings.cluster)
    monitor = MasterMonitor(settings.master, cluster, telemetry.overloaded)
    _open_status(
        settings.address, settings.metrics_port, telemetry.registry, monitor.trouble
    )
    monitor.start()
    log.info("watching the CPU; node=%s", settings.master.node)
    _wait_for_the_end(stop)
    monitor.stop()
    return 0


def _begin(level: str) -> Stop:
    cli.log_to_stderr(level, "%(asctime)s %(levelname)-7s %(name)s %(message)s")
    stop = Stop()
    on_stop_signals(stop.set)  # before anybody can be answered
    return stop


def _open_status(
    address: str,
    port: int,
    registry: "CollectorRegistry",
    trouble: Callable[[], str | None],
) -> None:
    if port:
        from common.status_port import StatusPort

        StatusPort(address, port, registry, trouble, setting="SCALER_METRICS_PORT")


def _wait_for_the_end(stop: Stop) -> None:
    with listening(stop.set) as terminal:
        if terminal:
            log.info("ESC or ENTER ends it")
        stop.wait()
    log.info("stopping")


if __name__ == "__main__":
    raise SystemExit(main())
