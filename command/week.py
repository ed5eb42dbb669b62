"""The week of a desk: how much of each hour somebody leaned, beside the week before."""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from common import cli, options
from common.database_settings import DatabaseSettings
from common.errors import OperatorError
from common.options import SettingsError, same, section
from page.settings import PageSettings

_EPILOG = """\
Each number is percent of the judged minutes of that hour spent leaning; a dot is an
hour of which fewer than ten minutes were judged. The live page has the same week.

examples:
  posture week desk3
  posture week desk3 --week 2026-11-23
"""


@dataclass(frozen=True)
class WeekSettings:
    """Where the rows are, and whose clock counts."""

    database: DatabaseSettings = section(DatabaseSettings)
    zone: ZoneInfo | None = same(PageSettings, "zone")


def main(argv: list[str] | None = None) -> int:
    """Show it."""
    parser = cli.parser(__doc__, _EPILOG)
    parser.add_argument("camera", metavar="CAMERA", help="its name, as on its tile")
    parser.add_argument(
        "--week", default="", metavar="DAY", help="one of its days [default this week]"
    )
    options.add_arguments(parser, WeekSettings)
    arguments = parser.parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), cli.print_error)


def _run(arguments: argparse.Namespace) -> int:
    from command.table import settings_with_table
    from page.rows import Rows
    from posture.store.cameras import check_camera

    with settings_with_table(WeekSettings, arguments) as settings:
        rows = Rows(settings.database)
        check_camera(rows.ask, arguments.camera)
        text = _week(rows, arguments.camera, arguments.week, settings.zone)
    print(text)  # noqa: T201 - what was asked for
    return 0


def _week(rows: "Rows", pi: str, asked: str, zone: tzinfo | None) -> str:  # type: ignore[name-defined]  # noqa: F821
    from command.week_text import week_text
    from page.weeks import both, read_week

    now = datetime.now(UTC)
    try:
        monday = read_week(asked, zone, now)
    except OperatorError as error:
        raise SettingsError([f"--week: {error}"]) from None
    this, last = both(rows, pi, monday, zone, now)
    end = monday + timedelta(days=6)
    return f"{pi}, {monday} to {end}\n\n{week_text(this, last)}"
