"""The worker: pictures from MQTT become rows in PostgreSQL and annotated pictures.

Exit codes: 0 ended as asked or idle, 1 cannot work here (no model, no writable folder,
no broker for a command), 2 wrong settings.
"""

import argparse
import logging
import sys

from common import cli, options
from common.process import keep_memory_private
from posture.settings import WorkerSettings
from posture.worker import commands
from posture.worker.memory import reuse_picture_memory
from posture.worker.native_log import take_over_stderr

log = logging.getLogger("posture.worker")


def main(argv: list[str] | None = None) -> int:
    """Run the worker until it is stopped, or see to the sessions of all workers."""
    parser = cli.parser(
        __doc__,
        "\n".join(f"{name}: {what}" for name, what in commands.COMMANDS.items()),
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=tuple(commands.COMMANDS),
        default="work",
        help="see below",
    )
    parser.add_argument(
        "--successors", type=int, metavar="N", help="only for retire: see there"
    )
    parser.add_argument(
        "pictures", nargs="*", help="only for view and calibrate: picture files"
    )
    parser.add_argument(
        "--pi", default="", metavar="NAME", help="only for view and calibrate"
    )
    parser.add_argument(
        "--off", action="store_true", help="only for calibrate: take it away again"
    )
    options.add_arguments(parser, WorkerSettings)
    arguments = parser.parse_intermixed_args(argv)
    looks = arguments.command in ("view", "calibrate")
    if not looks and (arguments.pictures or arguments.pi):
        parser.error("pictures and --pi are only for view and calibrate")
    if arguments.off and arguments.command != "calibrate":
        parser.error("--off is only for calibrate")
    return cli.exit_code(lambda: _run(arguments), log.error)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "view":
        from posture.view import check_view

        return check_view(arguments)
    if arguments.command == "calibrate":
        from posture.calibrate import check_calibrate

        return check_calibrate(arguments)
    if arguments.command == "retire":
        arguments.slot = "0"  # it works on all of them, one after another
    settings = cli.read(commands.settings_of(arguments.command), arguments)
    _log_to_stderr(settings.log_level)
    keep_memory_private()
    reuse_picture_memory()
    # Threads here hold Python's lock for moments between long native calls; who waits
    # for it leaves a core idle (2 % of all pictures at Python's own 5 ms).
    sys.setswitchinterval(0.0005)
    return commands.run(arguments, settings)


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        level=level.upper(),
        format="%(asctime)s %(levelname)-7s %(threadName)s %(message)s",
        stream=take_over_stderr(),
    )


if __name__ == "__main__":
    raise SystemExit(main())
