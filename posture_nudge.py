"""Nudge whoever has sat badly for long: by Apprise, or over MQTT.

Looks at the newest rows of posture_log again and again, and changes nothing there.

Exit codes: 0 ended as asked, 1 cannot work here or, with --once, --test or --simulate,
the look failed or a nudge could not be told, 2 wrong settings.
"""

import argparse
import logging
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from common import cli, options
from common.errors import OperatorError
from common.signals import Stop, on_stop_signals
from nudge.settings import NudgeSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        "--test",
        metavar="PI",
        help="send a test to those who are told of this camera, and end",
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
    from nudge.trial import send_test
    from nudge.watch import look, simulate
    from page.rows import Rows

    rows = Rows(settings.database)
    if arguments.simulate:
        for each in simulate(settings, rows, *arguments.simulate):
            print(f"{each.time.astimezone():%Y-%m-%d %H:%M}  {each.text}")  # noqa: T201 - asked for
        return 0
    memory = Memory(settings.state, keep=not arguments.dry_run)
    send = _pretend if arguments.dry_run else messengers(settings)
    with _suspensions(settings, memory, keep=not arguments.dry_run):
        if arguments.test:
            send_test(settings, memory, send, arguments.test, datetime.now(UTC))
            return 0
        if arguments.once:
            return 0 if look(settings, rows, memory, send, datetime.now(UTC)) else 1
        _loop(settings, rows, memory, send)
    return 0


@contextmanager
def _suspensions(
    settings: NudgeSettings, memory: "Memory", *, keep: bool
) -> "Iterator[None]":
    """What is published about suspensions is heard meanwhile."""
    if not settings.suspend:
        yield
        return
    from nudge.suspensions import Suspensions

    heard = Suspensions(settings, memory, keep=keep)
    heard.start()
    try:
        yield
    finally:
        heard.stop()


def _pretend(_nudge: "Nudge") -> bool:
    log.info("this is a dry run: nobody is told")
    return True


def _loop(
    settings: NudgeSettings, rows: "Rows", memory: "Memory", send: "Send"
) -> None:
    from nudge.health import Health
    from nudge.today import Today
    from nudge.watch import look

    today = Today(settings, rows)
    stop = Stop()
    on_stop_signals(stop.set)
    with Health(settings) as health:
        log.info("looking every %g s", settings.interval)
        while not stop.is_set():
            trouble = "a nudge could not be told"
            try:
                if look(settings, rows, memory, send, datetime.now(UTC)):
                    trouble = ""
                today.look(datetime.now(UTC))
            except OperatorError as error:
                trouble = str(error)
                log.error("%s; trying again", error)  # noqa: TRY400 - a message
            except Exception:
                # A daemon outlives what nobody has thought of; the next look begins
                # anew.
                trouble = "the last look failed"
                log.exception("this look failed")
            health.looked(trouble)
            stop.wait(settings.interval)
    log.info("stopped")


if __name__ == "__main__":
    raise SystemExit(main())
