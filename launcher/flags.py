"""The switches of `build_and_push.py`: what one call is asked for."""

import argparse
from functools import partial

from common import cli
from launcher.launch import STEPS


def with_switches(description: str) -> argparse.ArgumentParser:
    """A parser with them, and with `description` at the head of its help."""
    worker = "The worker's settings: mqtt_posture_analyzer_with_db.py --help."
    parser = cli.parser(description, worker)
    switch = partial(parser.add_argument, action="store_true")
    switch("--doctor", help="only check everything")
    switch("--try-pod", help="with --doctor: start a pod that tries what only it can")
    switch("--dry-run", help="only show what would be done")
    switch("--yes", help="do not ask")
    switch("--detach", help="leave it running and return")
    switch("--skip-build", help="use the image that is there")
    switch("--adopt", help="take over what a Helm release of the chart has made")
    switch("--rebuild", help="build though the registry has the same content")
    parser.add_argument(
        "--only", choices=STEPS, metavar="STEP", help=f"one step of {', '.join(STEPS)}"
    )
    return parser
