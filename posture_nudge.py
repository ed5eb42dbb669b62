"""Nudge whoever has sat badly for long: by Apprise, or over MQTT.

Looks at the newest rows of posture_log again and again, and changes nothing there.

Exit codes: 0 ended as asked, 1 cannot work here or, with --once or --simulate, the look
failed or a nudge could not be told, 2 wrong settings.
"""

import argparse
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from common import cli, options
from common.errors import OperatorError
from common.signals import Stop, on_stop_signals
from nudge.settings import NudgeSettings

if TYPE_CHECKING:
    from nudge.memory import Memory
    from nudge.messengers import Send
    from nudge.patience import Nudge
    from page.rows import Rows

log = logging.getLogger("nudge")


def main(argv: list[str] | None = None) -> int:
    """Look until stopped."""
    arguments = _parser().parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), log.error)


def _parser() -> argparse.ArgumentParser:
    parser = cli.parser(__doc__)
    parser.add_argument("--once", action="store_true", help="look once and end")
    parser.add_argument(
        "--dry-run", action="store_true", help="say who would be nudged, tell nobody"
    )
    parser.add_argument(
        "--simulate",
        nargs=2,
        metavar=("FROM", "TO"),
        type=_moment,
        help="print the nudges that there would have been between two times, such as "
        "2026-11-25T08:00, in this machine's time zone unless they have one, and end",
    )
    options.add_arguments(parser, NudgeSettings)
    return parser


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()


def _run(arguments: argparse.Namespace) -> int:
    settings = cli.read(NudgeSettings, arguments)
    cli.log_to_stderr(settings.log_level)
    # Imported here so that --help and wrong settings answer at once.
    from nudge.memory import Memory
    from nudge.messengers import messengers
    from nudge.watch import look, simulate
    from page.rows import Rows

    rows = Rows(settings.database)
    if arguments.simulate:
        for each in simulate(settings, rows, *arguments.simulate):
            print(f"{each.time.astimezone():%Y-%m-%d %H:%M}  {each.text}")  # noqa: T201 - asked for
        return 0
    memory = Memory(settings.state, keep=not arguments.dry_run)
    send = _pretend if arguments.dry_run else messengers(settings)
    if arguments.once:
        return 0 if look(settings, rows, memory, send, datetime.now(UTC)) else 1
    _loop(settings, rows, memory, send)
    return 0


def _pretend(_nudge: "Nudge") -> bool:
    log.info("this is a dry run: nobody is told")
    return True


def _loop(
    settings: NudgeSettings, rows: "Rows", memory: "Memory", send: "Send"
) -> None:
    from nudge.watch import look

    stop = Stop()
    on_stop_signals(stop.set)
    log.info("looking every %g s", settings.interval)
    while not stop.is_set():
        try:
            look(settings, rows, memory, send, datetime.now(UTC))
        except OperatorError as error:
            log.error("%s; trying again", error)  # noqa: TRY400 - a message
        except Exception:
            # A daemon outlives what nobody has thought of; the next look begins anew.
            log.exception("this look failed")
        stop.wait(settings.interval)
    log.info("stopped")


if __name__ == "__main__":
    raise SystemExit(main())
