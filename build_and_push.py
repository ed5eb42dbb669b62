"""From a workstation to a running system: builds the image, deploys it, watches it.

Run it again at any time. While it waits, ESC, ENTER or a signal takes everything down
again, as stop.py does.

Exit codes: 0 done, 1 a step failed, 2 wrong settings, 3 the checks found something and
nothing was changed, 130 interrupted between two steps.
"""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import options
from placement import processes
from placement.checks import Checks
from placement.cluster import Cluster
from placement.containers import Docker
from placement.deployment import Deployment
from placement.doctor import Check, Finding, examine
from placement.errors import PlacementError
from placement.helpers import Helpers
from placement.keyboard import listening
from placement.launcher_settings import LauncherSettings
from placement.plan import STEPS, Launch
from placement.shipping import Shipping
from placement.steps import run_all, run_in_order
from placement.stopping import Opened, Stopping
from placement.trace import Trace
from posture.errors import PostureError
from posture.settings import SessionSettings, WorkerSettings

log = logging.getLogger("placement.launcher")
ROOT = Path(__file__).resolve().parent
_DOCTOR_DEADLINE = 9.0  # seconds for all checks, side by side


class Interrupted(BaseException):
    """A signal came; `taken_over` when it is stop.py's, which does the rest."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.taken_over = number == processes.TAKE_OVER


class FindingsError(PlacementError):
    """The checks found something."""


def main(argv: list[str] | None = None) -> int:
    """Do what the command line asks for."""
    arguments = _parser().parse_args(argv)
    try:
        settings = options.read(LauncherSettings, arguments, os.environ)
        options.read(WorkerSettings, argparse.Namespace(), os.environ)
    except options.SettingsError as error:
        _show(f"settings:\n{error}")
        return 2
    trace = Trace(settings.trace)
    trace.folder.mkdir(parents=True, exist_ok=True)
    _log_to(trace.log)
    try:
        with processes.lock(trace.lock) as lock:
            _interrupt_on_signals()
            processes.write_record(trace.launcher, sys.argv)
            try:
                return _run(arguments, settings, trace, lock)
            finally:
                trace.launcher.unlink(missing_ok=True)
    except BlockingIOError:
        _show("another launcher is at work here; to end it: python stop.py")
        return 1
    except Interrupted as error:
        if not error.taken_over:
            _show("\ninterrupted: run it again to go on, or undo it: python stop.py")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n\n")[0],
        epilog="What the worker is told comes from its environment variables: see "
        "mqtt_posture_analyzer_with_db.py --help.",
    )
    switch = partial(parser.add_argument, action="store_true")
    switch("--doctor", help="only check everything")
    switch("--dry-run", help="only show what would be done")
    switch("--yes", help="do not ask")
    switch("--detach", help="leave it running and return")
    switch("--skip-build", help="use the image that is there")
    parser.add_argument(
        "--only", choices=STEPS, metavar="STEP", help=f"one step of {', '.join(STEPS)}"
    )
    options.add_arguments(parser, LauncherSettings)
    return parser


def _run(
    arguments: argparse.Namespace, settings: LauncherSettings, trace: Trace, lock: int
) -> int:
    cluster = Opened(lambda: Cluster(settings.cluster))
    if arguments.doctor:
        return _show_findings(_examine(arguments, settings, trace, cluster))
    if not (arguments.yes or arguments.dry_run or _agreed(settings, cluster)):
        return 2
    launch = _launch(arguments, settings, trace, cluster, lock)
    if arguments.dry_run:
        outcomes = run_all(launch.preview(), _show)
        return 1 if any(each.failed for each in outcomes) else 0
    steps = launch.steps()
    if arguments.only:
        steps = [each for each in steps if each.name == arguments.only]
    failed = run_in_order(steps, _show)
    if failed:
        _show(
            f"\nnot done: mend it and run it again, or undo it: python stop.py; "
            f"all of it is in {trace.log}"
        )
        return 3 if failed.step.name == "preflight" else 1
    if arguments.only or arguments.detach:
        return 0
    return _wait_and_stop(launch)


def _launch(
    arguments: argparse.Namespace,
    settings: LauncherSettings,
    trace: Trace,
    cluster: Opened,
    lock: int,
) -> Launch:
    docker = Docker(trace.log)
    told = dict(options.given(LauncherSettings, arguments, os.environ))
    worker = options.given(WorkerSettings, argparse.Namespace(), os.environ)
    model = options.read(WorkerSettings, argparse.Namespace(), os.environ).model
    shipping = Shipping(settings.image, model, ROOT, trace.image, docker)
    stopping = Stopping(
        cluster,
        docker,
        trace,
        settings.cluster.namespace,
        settings.cluster.scaledjob,
        settings.manifest.patched,
        dry_run=arguments.dry_run,
    )
    environ = {**os.environ, **{each.env: text for each, text in told.items()}}
    return Launch(
        preflight=lambda: _preflight(_examine(arguments, settings, trace, cluster)),
        declare=_declare,
        stopping=stopping,
        shipping=shipping,
        deployment=Deployment(settings, worker, shipping.image, cluster),
        helpers=Helpers(trace, ROOT, environ, settings.scaler_port, lock),
        skip_build=arguments.skip_build,
    )


# The checks


def _examine(
    arguments: argparse.Namespace,
    settings: LauncherSettings,
    trace: Trace,
    cluster: Opened,
) -> list[Finding]:
    checks = [] if arguments.skip_build else _docker_checks(settings, Docker(trace.log))
    checks += Checks(settings, trace, cluster).all()
    checks += [Check("broker", _check_broker), Check("database", _check_database)]
    return examine(checks, _DOCTOR_DEADLINE)


def _docker_checks(settings: LauncherSettings, docker: Docker) -> list[Check]:
    it = settings.image
    return [
        Check("docker", docker.check_engine),
        Check("buildx", lambda: docker.check_buildx(it.platforms)),
        Check("login", lambda: docker.check_login(it.repository)),
    ]


def _check_broker() -> str:
    from posture.probe import probe

    worker = options.read(WorkerSettings, argparse.Namespace(), os.environ)
    at = f"{worker.broker.host}:{worker.broker.port}"
    return _as_placement(lambda: f"{at} {probe(worker.broker)}", f"broker {at}: ")


def _check_database() -> str:
    from posture.posture_log import PostureLog

    worker = options.read(WorkerSettings, argparse.Namespace(), os.environ)
    table = PostureLog(worker.database)

    def check() -> str:
        table.check()
        table.check_rights()
        return f"{worker.database.host}: the table is there, and rows may be added"

    return _as_placement(check)


def _declare() -> str:
    from posture.session import declare

    session = options.read(SessionSettings, argparse.Namespace(), os.environ)

    def do() -> str:
        declare(session)
        return f"the broker keeps {session.topic} for {session.client_id}"

    return _as_placement(do)


def _as_placement(do: Callable[[], str], where: str = "") -> str:
    try:
        return do()
    except PostureError as error:
        raise PlacementError(f"{where}{error}") from error


def _show_findings(findings: list[Finding]) -> int:
    for each in findings:
        _show(str(each))
    return 3 if any(each.mark == "FAIL" for each in findings) else 0


def _preflight(findings: list[Finding]) -> str:
    told = [each for each in findings if each.mark != "ok"]
    if any(each.mark == "FAIL" for each in told):
        lines = "\n".join(map(str, told))
        raise FindingsError(f"nothing was changed\n{lines}")
    tail = "".join(f"\n{each}" for each in told)
    return f"{len(findings) - len(told)} checks passed{tail}"


# The terminal


def _agreed(settings: LauncherSettings, cluster: Opened) -> bool:
    try:
        host = cluster().host
    except PlacementError as error:
        _show(str(error))
        return False
    it = settings.cluster
    _show(
        f"cluster {host}, context {it.context or 'current'}, namespace {it.namespace}"
    )
    if not sys.stdin.isatty():
        _show("no terminal to ask at: give --yes if this is the right one")
        return False
    return input("Deploy there? [y/N] ").strip().lower() in ("y", "yes")


def _wait_and_stop(launch: Launch) -> int:
    stop = threading.Event()
    try:
        with listening(stop.set) as terminal:
            how = "ESC or ENTER" if terminal else "SIGTERM or python stop.py"
            _show(f"\nrunning; {how} takes it down again")
            launch.helpers.follow(_show, stop)
    except Interrupted as error:
        if error.taken_over:
            raise
    _show("\nstopping")
    outcomes = run_all(launch.stopping.steps(settings_too=False), _show)
    return 1 if any(each.failed for each in outcomes) else 0


def _show(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is what the command is for


def _log_to(path: Path) -> None:
    logging.basicConfig(
        filename=path,
        level=logging.INFO,
        format="%(asctime)s %(levelname)-7s %(message)s",
    )
    logging.captureWarnings(capture=True)


def _interrupt_on_signals() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, processes.TAKE_OVER)

    def handle(number: int, _frame: FrameType | None) -> None:
        for each in numbers:  # a second one ends the process at once
            signal.signal(each, signal.SIG_DFL)
        raise Interrupted(number)

    for number in numbers:
        signal.signal(number, handle)


if __name__ == "__main__":
    raise SystemExit(main())
