"""Delete what is kept of one camera: rows, pictures, refused messages.

Counts first, and asks. Exit codes: 0 done, 1 something is left, 2 wrong settings, not
agreed to, or a camera that never was.
"""

import argparse
import sys
from datetime import UTC, datetime

from common import cli, options
from posture.forget import camera_name, check_kept, forget_camera, moment
from posture.settings import ForgetSettings
from posture.store.kept_files import Period
from posture.store.retention import Deleted

_EPILOG = """\
Without --from and --to it is all that there is of the camera. Copies that were
exported, and backups, are not reached.

examples:
  posture forget desk3 --dry-run
  posture forget desk3 --from 2026-11-02 --to 2026-11-03T12:30
"""
_FIRST = datetime(2, 1, 1, tzinfo=UTC)
_LAST = datetime(9998, 1, 1, tzinfo=UTC)


def main(argv: list[str] | None = None) -> int:
    """Count, ask, delete, and say how much."""
    parser = cli.parser(__doc__, _EPILOG)
    parser.add_argument("camera", metavar="CAMERA", type=camera_name)
    parser.add_argument("--from", dest="since", metavar="TIME", type=moment)
    parser.add_argument("--to", dest="until", metavar="TIME", type=moment)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only count")
    options.add_arguments(parser, ForgetSettings)
    arguments = parser.parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), cli.print_error)


def _run(arguments: argparse.Namespace) -> int:
    from command.table import settings_with_table

    period = Period(arguments.since or _FIRST, arguments.until or _LAST)
    if period.since >= period.until:
        raise options.SettingsError(["--from must be before --to"])
    with settings_with_table(ForgetSettings, arguments) as settings:
        check_kept(settings, arguments.camera)
        found = forget_camera(settings, arguments.camera, period, dry_run=True)
        _show(f"of {arguments.camera}: {found}")
        if arguments.dry_run or not _anything(found):
            return 0
        if not (arguments.yes or _agreed()):
            return cli.WRONG_SETTINGS
        _show(f"deleted: {forget_camera(settings, arguments.camera, period)}")
    return 0


def _anything(found: Deleted) -> bool:
    counts = (found.pictures, found.refused, found.rows, found.topics)
    return any((*counts, found.baselines))


def _agreed() -> bool:
    if not sys.stdin.isatty():
        cli.print_error("nothing was deleted: no terminal to ask at; give --yes")
        return False
    return input("Delete this for good? [y/N] ").strip().lower() in ("y", "yes")


def _show(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what was asked for
