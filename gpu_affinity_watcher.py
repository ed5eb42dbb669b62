"""Keep the ScaledJob on the least loaded GPU node.

Looks at the loads again and again, and moves the ScaledJob in place when another node
has been better by the margin for the hold time. `--table` only shows what it sees. With
`--lease` one of several watchers works, and another takes over when it is gone.

Exit codes: 0 ended as asked, 1 cannot work here or, with --once, the look failed,
2 wrong settings, 3 with --once or --table: no node can be chosen.
"""

import argparse
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from common import cli, options
from common.signals import on_stop_signals
from placement.settings import WatcherSettings

if TYPE_CHECKING:
    from placement.loop import WatcherLoop
    from placement.metrics import Report
    from placement.watcher import Watcher

log = logging.getLogger("placement.watcher")


def main(argv: list[str] | None = None) -> int:
    """Watch until stopped."""
    arguments = _parser().parse_args(argv)
    return cli.exit_code(lambda: _watch(arguments), log.error)


def _parser() -> argparse.ArgumentParser:
    parser = cli.parser(__doc__)
    parser.add_argument("--once", action="store_true", help="look once and end")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be done, change nothing"
    )
    parser.add_argument(
        "--table",
        action="store_true",
        help="print nodes, loads and the choice, once, and change nothing",
    )
    options.add_arguments(parser, WatcherSettings)
    parser.add_argument(
        "--no-hand-over",
        dest="hand_over",
        action="store_const",
        const="false",
        help="leave running Jobs where they are",
    )
    return parser


def _watch(arguments: argparse.Namespace) -> int:
    settings = cli.read(WatcherSettings, arguments)
    cli.log_to_stderr(settings.log_level)
    # Imported here so that --help and wrong settings answer at once.
    from kube.cluster import Cluster
    from kube.live import LiveCluster
    from placement.loads.source import load_source
    from placement.loop import WatcherLoop
    from placement.metrics import Report
    from placement.watcher import Watcher

    report = Report()
    source = load_source(settings.prometheus)
    if arguments.once or arguments.table:
        watcher = Watcher(
            settings,
            Cluster(settings.cluster),
            source,
            report,
            dry_run=arguments.dry_run or arguments.table,
        )
        return _look_once(watcher, report, show=arguments.table)
    cluster = LiveCluster(settings.cluster)
    loop = WatcherLoop(settings, cluster, source, report, dry_run=arguments.dry_run)
    on_stop_signals(loop.stop.set)
    with _status_port(settings, report, loop):
        cluster.start()
        loop.run()
        cluster.stop()
    return 0


def _look_once(watcher: "Watcher", report: "Report", *, show: bool) -> int:
    decision, survey = watcher.look(time.monotonic(), time.time())
    if show:
        from placement.table import table

        print(table(decision, survey))  # noqa: T201 - asked for
    else:
        log.info("%s", decision)
    if report.last_reading is None:
        return 1
    return 0 if decision.node else 3


@contextmanager
def _status_port(
    settings: WatcherSettings, report: "Report", loop: "WatcherLoop"
) -> Iterator[None]:
    if settings.port == 0:
        yield
        return
    from common.status_port import StatusPort

    port = StatusPort(
        settings.address,
        settings.port,
        report.registry,
        loop.trouble,
        setting="WATCHER_PORT",
        standstill=loop.trouble,
    )
    try:
        yield
    finally:
        port.close()


if __name__ == "__main__":
    raise SystemExit(main())
