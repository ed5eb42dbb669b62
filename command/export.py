"""Rows as a file for other programs: every column, as CSV or Parquet.

docs/data.md says what the columns mean, and what not to conclude from them.
"""

import argparse
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from common import cli, options
from common.database_settings import DatabaseSettings
from common.errors import OperatorError
from common.options import SettingsError, same, section
from page.settings import PageSettings

if TYPE_CHECKING:
    from page.history import Wish
    from page.rows import StoredRow

_EPILOG = """\
Without times it is all that there is, without a camera that of all of them.

examples:
  posture export desk3 --month 2026-10
  posture export --from 2026-10-05 --to 2026-10-12 --parquet
"""


@dataclass(frozen=True)
class ExportSettings:
    """Where the rows are, and whose clock counts."""

    database: DatabaseSettings = section(DatabaseSettings)
    zone: ZoneInfo | None = same(PageSettings, "zone")


def main(argv: list[str] | None = None) -> int:
    """Write the file, and say its name."""
    parser = cli.parser(__doc__, _EPILOG)
    parser.add_argument("camera", metavar="CAMERA", nargs="?", default="")
    parser.add_argument("--month", metavar="MONTH", type=_month, help="as 2026-10")
    parser.add_argument("--from", dest="since", metavar="TIME", type=_time)
    parser.add_argument("--to", dest="until", metavar="TIME", type=_time)
    parser.add_argument(
        "--parquet", action="store_true", help="write Parquet in place of CSV"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="[default posture_CAMERA_MONTH.csv]"
    )
    options.add_arguments(parser, ExportSettings)
    arguments = parser.parse_args(argv)
    if arguments.month and (arguments.since or arguments.until):
        parser.error("--month stands for --from and --to: give one or the other")
    return cli.exit_code(lambda: _run(arguments), cli.print_error)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no month such as 2026-10"
        ) from None


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time such as 2026-10-05 or 2026-10-05T14:30"
        ) from None


def _run(arguments: argparse.Namespace) -> int:
    from command.table import settings_with_table
    from page.export import file_name
    from page.history import find_all
    from page.rows import Rows
    from posture.store.cameras import check_camera

    with settings_with_table(ExportSettings, arguments) as settings:
        wish = _wish(arguments, settings.zone)
        rows = Rows(settings.database)
        if wish.pi:
            check_camera(rows.ask, wish.pi)
        ending = "parquet" if arguments.parquet else "csv"
        path: Path = arguments.out or Path(file_name(wish, settings.zone, ending))
        count = _write(find_all(rows, wish), path, parquet=arguments.parquet)
    print(f"{path}: {count} rows")  # noqa: T201 - what was asked for
    return 0


def _wish(arguments: argparse.Namespace, zone: tzinfo | None) -> "Wish":
    from page.history import Wish, local

    since, until = arguments.since, arguments.until
    if month := arguments.month:
        since = datetime(month.year, month.month, 1)  # noqa: DTZ001 - set by local
        later = since + timedelta(days=31)
        until = later.replace(day=1)
    try:
        since, until = since and local(since, zone), until and local(until, zone)
    except (OverflowError, OSError):
        raise SettingsError(["--from or --to is at the end of all times"]) from None
    if since and until and since >= until:
        raise SettingsError(["--from must be before --to"])
    return Wish(arguments.camera, since=since, until=until)


def _write(rows: Iterable["StoredRow"], path: Path, *, parquet: bool) -> int:
    """Write the file whole or not at all; gives the number of rows."""
    from page.export import write_parquet

    part = path.with_name(f".{path.name}.part")
    try:
        count = write_parquet(rows, part) if parquet else _write_csv(rows, part)
        part.replace(path)
    except OSError as error:
        raise OperatorError(f"cannot write {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def _write_csv(rows: Iterable["StoredRow"], path: Path) -> int:
    from page.export import as_csv

    count = 0

    def counted() -> Iterable["StoredRow"]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(as_csv(counted()))
        file.flush()
        os.fsync(file.fileno())
    return count
