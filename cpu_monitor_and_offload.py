"""The KEDA scaler and the CPU monitor: KEDA asks how many Jobs should exist now.

Runs until a signal, or ESC or ENTER in a terminal.

Exit codes: 0 stopped as asked, 1 cannot work here (port, certificates, cluster
credentials), 2 wrong settings.
"""

import argparse
import contextlib
import gc
import logging
import os

from common import cli, options
from common.keyboard import listening
from common.signals import Stop, on_stop_signals
from common.status_port import StatusPort
from kube.cluster import Cluster
from placement.loads.source import load_source
from scaler.cpu_monitor import MasterMonitor
from scaler.metrics import ScalerTelemetry
from scaler.scaler import Scaler
from scaler.server import ScalerServer
from scaler.servicer import ScalerService
from scaler.settings import ScalerSettings

log = logging.getLogger("scaler.scaler")


def main(argv: list[str] | None = None) -> int:
    """Serve KEDA until told to stop."""
    parser = cli.parser(__doc__)
    options.add_arguments(parser, ScalerSettings)
    arguments = parser.parse_args(argv)
    return cli.exit_code(lambda: _serve(arguments), log.error)


def _stay_on_one_core() -> None:
    # Python's lock lets one thread work at a time. On several cores the threads of a
    # call wake each other from core to core: the slowest of 50 at a time take a third
    # longer. The last core, for interrupts mostly keep to the first.
    with contextlib.suppress(OSError):  # where it is forbidden
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _serve(arguments: argparse.Namespace) -> int:
    settings = cli.read(ScalerSettings, arguments)
    cli.log_to_stderr(
        settings.log_level, "%(asctime)s %(levelname)-7s %(name)s %(message)s"
    )
    stop = Stop()
    on_stop_signals(stop.set)  # before anybody can be answered
    _stay_on_one_core()
    it = settings.grpc
    telemetry = ScalerTelemetry()
    cluster = Cluster(settings.cluster)
    scaler = Scaler(settings, cluster, load_source(settings.prometheus), telemetry)
    served = (cluster.namespace, settings.cluster.scaledjob)
    service = ScalerService(scaler.wanted, scaler.defaults, served, telemetry)
    server = ScalerServer(it, service, lambda: scaler.trouble() is None)
    if it.metrics_port:
        StatusPort(
            it.address,
            it.metrics_port,
            telemetry.registry,
            scaler.trouble,
            setting="SCALER_METRICS_PORT",
        )
    port = server.start()
    monitor = MasterMonitor(settings.master, cluster, telemetry.overloaded)
    scaler.start()
    monitor.start()
    gc.freeze()  # what is loaded stays: looking through it again would delay calls
    log.info("serving %s/%s on port %d", *served, port)
    _wait_for_the_end(stop)
    log.info("stopping")
    server.stop()
    scaler.stop()
    monitor.stop()
    return 0


def _wait_for_the_end(stop: Stop) -> None:
    with listening(stop.set) as terminal:
        if terminal:
            log.info("ESC or ENTER ends it")
        stop.wait()


if __name__ == "__main__":
    raise SystemExit(main())
