"""From a workstation to a running system: builds the image, deploys it, watches over it.

Run it again at any time: it takes up where it is. stop.py takes all of it down.

Exit codes: 0 done, 1 a step failed, 2 wrong settings, 3 the checks found something (and
nothing was changed), 130 interrupted.
"""

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import options
from placement import processes
from placement.checks import Checks
from placement.cluster import Cluster
from placement.containers import Docker
from placement.doctor import Check, CheckError, Finding, examine
from placement.errors import PlacementError
from placement.keyboard import listening
from placement.launcher_settings import LauncherSettings
from placement.launching import Launching
from placement.preview import preview
from placement.steps import Step, run_all, run_in_order
from placement.stopping import Opened, Stopping
from placement.trace import Trace
from posture.errors import PostureError
from posture.settings import WorkerSettings

log = logging.getLogger("placement.launcher")
ROOT = Path(__file__).resolve().parent
STEPS = (
    "preflight",
    "cleanup",
    "build",
    "settings",
    "session",
    "scaledjob",
    "helpers",
    "ready",
)
_DOCTOR_DEADLINE = 9.0  # seconds for all checks, side by side


class Interrupted(BaseException):
    """A signal came; past every `except Exception`."""


def main(argv: list[str] | None = None) -> int:
    """Do the steps that the command line asks for."""
    arguments = _parser().parse_args(argv)
    try:
        settings = options.read(LauncherSettings, arguments, os.environ)
        worker = options.read(WorkerSettings, argparse.Namespace(), os.environ)
    except options.SettingsError as error:
        _show(f"settings:\n{error}")
        return 2
    trace = Trace(settings.trace)
    trace.folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=trace.log,
        level=logging.INFO,
        format="%(asctime)s %(levelname)-7s %(message)s",
    )
    _interrupt_on_signals()
    try:
        with processes.lock(trace.lock) as lock:
            return _run(arguments, settings, worker, trace, lock)
    except BlockingIOError:
        pid = processes.running(trace.launcher)
        _show(f"another launcher is at work here, pid {pid}: stop.py ends it")
        return 1
    except Interrupted:
        _show(
            "\ninterrupted: run it again to go on, or `python stop.py` to undo what was "
            "done"
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n\n")[0],
        epilog="What the worker is told comes from its environment variables: see "
        "mqtt_posture_analyzer_with_db.py --help.",
    )
    parser.add_argument("--doctor", action="store_true", help="only check everything")
    parser.add_argument(
        "--dry-run", action="store_true", help="only show what would be done"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--detach", action="store_true", help="leave it running and return"
    )
    parser.add_argument(
        "--skip-build", action="store_true", help="use the image that is there"
    )
    parser.add_argument("--only", choices=STEPS, metavar="STEP", help=", ".join(STEPS))
    options.add_arguments(parser, LauncherSettings)
    return parser
