"""Deletes what is kept of people: what is old, or what one camera has sent.

Exit codes: 0 done, also if there was nothing, 1 something is left, 2 wrong settings or
a camera that never was.
"""

import argparse
import logging
from dataclasses import replace
from datetime import UTC, datetime, time

from common import cli, options
from common.broker_settings import BrokerSettings
from common.daily import every_day
from common.errors import OperatorError
from common.signals import Stop, on_stop_signals
from posture.forget import camera_name, check_kept, forget_camera, moment
from posture.results.settings import ResultSettings
from posture.settings import (
    AuditSettings,
    DatabaseSettings,
    ForgetSettings,
)
from posture.store.cameras import UnknownCameraError
from posture.store.kept_files import Period
from posture.store.kept_rows import KeptRows
from posture.store.posture_log import PostureLog
from posture.store.retention import Deleted, prune_files, prune_rows
from posture.store.settings import RetentionSettings

log = logging.getLogger("posture.store.retention")

_COMMANDS = {
    "prune": "delete pictures and what is in quarantine after PICTURE_DAYS, and rows "
    "after ROW_DAYS",
    "forget": "delete all pictures, rows and refused messages of --pi --from --to, and "
    "with PUBLISH_RESULTS its newest result at the broker if that is of this time",
}
_EXAMPLES = """
examples:
  python retention.py prune --picture-days 30 --row-days 365 --dry-run
  python retention.py prune --row-days 365 --daily 03:17
  python retention.py forget --pi desk1 --from 2026-11-02 --to 2026-11-03T12:30
"""


def main(argv: list[str] | None = None) -> int:
    """Delete, and say how much."""
    arguments = _parser().parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), log.error)


def _run(arguments: argparse.Namespace) -> int:
    settings = _read(arguments)
    form = cli.TIMED if arguments.daily else "%(levelname)s %(message)s"
    cli.log_to_stderr(settings.log_level, form)
    if arguments.daily:
        return _go_on(settings, arguments)
    return _once(settings, arguments)


def _go_on(
    settings: RetentionSettings | ForgetSettings, arguments: argparse.Namespace
) -> int:
    stop = Stop()
    on_stop_signals(stop.set)

    def work() -> bool:
        try:
            return not _once(settings, arguments)
        except OperatorError as error:
            log.error("%s", error)  # noqa: TRY400 - a message
        except Exception:
            # A daemon outlives what nobody has thought of; the next day begins anew.
            log.exception("this run failed")
        return False

    every_day(arguments.daily, work, stop)
    log.info("stopped")
    return 0


def _once(
    settings: RetentionSettings | ForgetSettings, arguments: argparse.Namespace
) -> int:
    if not settings.pictures.is_dir():
        log.warning(
            "there is no folder %s here: pictures elsewhere stay (PICTURES_FOLDER)",
            settings.pictures.absolute(),
        )
    try:
        deleted = _delete(settings, arguments)
    except UnknownCameraError:
        raise
    except (OperatorError, OSError) as error:
        raise OperatorError(f"{error}; run this again for what is left") from error
    said = "would be deleted" if arguments.dry_run else "deleted"
    print(f"{said}: {deleted}")  # noqa: T201 - what was asked for
    return 0


def _parser() -> argparse.ArgumentParser:
    commands = "\n".join(f"{name}: {what}" for name, what in _COMMANDS.items())
    parser = cli.parser(__doc__, commands + _EXAMPLES)
    parser.add_argument("command", choices=tuple(_COMMANDS), help="see below")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be deleted, and stop"
    )
    parser.add_argument(
        "--daily",
        type=_time_of_day,
        metavar="HH:MM",
        help="prune: go on for good, now and every day at this time of this machine",
    )
    parser.add_argument(
        "--pi", type=camera_name, help="forget: the camera, as in its rows"
    )
    parser.add_argument(
        "--from", dest="since", type=moment, help="forget: from then on"
    )
    parser.add_argument(
        "--to", dest="until", type=moment, help="forget: until right before then"
    )
    parser.add_argument(
        "--by", default="command", help="forget: who asked, for the audit log"
    )
    options.add_arguments(parser, RetentionSettings)
    options.add_arguments(parser, AuditSettings)
    options.add_arguments(parser, DatabaseSettings)
    options.add_arguments(parser, BrokerSettings)
    options.add_arguments(parser, ResultSettings)
    return parser


def _read(arguments: argparse.Namespace) -> RetentionSettings | ForgetSettings:
    """The settings of the command.

    Raises:
        SettingsError: some are missing, wrong, or mean nothing.
    """
    if arguments.command == "forget":
        if arguments.daily:
            raise options.SettingsError(["--daily is for prune"])
        given = (arguments.pi, arguments.since, arguments.until)
        if None in given:
            raise options.SettingsError(["forget needs --pi, --from and --to"])
        if arguments.since >= arguments.until:
            raise options.SettingsError(["--from must be before --to"])
        return cli.read(ForgetSettings, arguments)
    settings = cli.read(RetentionSettings, arguments)
    limits = (settings.picture_days, settings.pictures_mb, settings.row_days)
    # Who has it run for good may want to keep everything; then it only says so.
    if limits == (None, None, None) and not arguments.daily:
        raise options.SettingsError(
            [
                "nothing would ever be deleted: set PICTURE_DAYS (--picture-days), "
                "PICTURES_MB (--pictures-mb), ROW_DAYS (--row-days) or several of them"
            ]
        )
    if settings.row_days is not None:
        cli.read(DatabaseSettings, arguments)
    return settings


def _delete(
    settings: RetentionSettings | ForgetSettings, arguments: argparse.Namespace
) -> Deleted:
    dry_run: bool = arguments.dry_run
    if isinstance(settings, ForgetSettings):
        check_kept(settings, arguments.pi)
        period = Period(arguments.since, arguments.until)
        return forget_camera(
            settings, arguments.pi, period, dry_run=dry_run, by=arguments.by
        )
    now = datetime.now(UTC)
    gone = None
    if settings.row_days is not None:
        database = cli.read(DatabaseSettings, arguments)
        rows = KeptRows(PostureLog(database))
        gone = prune_rows(rows, settings.row_days, now, dry_run=dry_run)
    deleted = prune_files(settings, now, dry_run=dry_run)
    return replace(deleted, rows=gone)


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time of the day such as 03:17"
        ) from None


if __name__ == "__main__":
    raise SystemExit(main())
