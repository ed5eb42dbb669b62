"""Takes down what build_and_push.py has put up, and nothing else.

The database, the pictures, the broker's session and what waits in it are kept. Run it
again at any time.

Exit codes: 0 everything of ours is gone, 1 something is left (it says what), 2 wrong
settings.
"""

import argparse
import os

from common import cli, options
from launcher.settings import StopSettings, TraceSettings
from launcher.steps import Outcome, Step, run_all


def main(argv: list[str] | None = None) -> int:
    """Stop everything."""
    arguments = _parser().parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), cli.print_error)


def _run(arguments: argparse.Namespace) -> int:
    # Imported here so that --help answers at once.
    from common import processes
    from kube.cluster import Cluster, Opened
    from launcher.image.docker import Docker
    from launcher.run_dir import Trace
    from launcher.teardown import Stopping

    trace = Trace(cli.read(TraceSettings, arguments))
    # A new terminal need not know which cluster it was.
    told = {name: text for name, text in os.environ.items() if text}
    environ = {**trace.remembered(), **told}
    settings = options.read(StopSettings, arguments, environ)
    trace = Trace(settings.trace)
    trace.log_here()
    stopping = Stopping(
        Opened(lambda: Cluster(settings.cluster)),
        Docker(trace.log),
        trace,
        settings.cluster.scaledjob,
        settings.manifest.patched,
        settings.gone_within,
        dry_run=arguments.dry_run,
    )
    steps = stopping.steps(settings_too=arguments.all)
    if arguments.dry_run:
        return _stop(steps)
    trace.check_record("launcher")
    with processes.taken_over(trace.launcher, trace.lock):
        return _stop(steps)


def _parser() -> argparse.ArgumentParser:
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--all", action="store_true", help="the worker's Secret and ConfigMap too"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only show what would be done"
    )
    options.add_arguments(parser, StopSettings)
    return parser


def _stop(steps: list[Step]) -> int:
    outcomes: list[Outcome] = run_all(steps, print)
    left = [each.step.name for each in outcomes if each.failed]
    if left:
        print(f"\nleft: {', '.join(left)}; mend it and run stop.py again")  # noqa: T201
    return 1 if left else 0


if __name__ == "__main__":
    raise SystemExit(main())
