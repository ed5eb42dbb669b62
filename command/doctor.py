"""Check what is set up on this machine, and say what to mend; changes nothing.

`posture doctor --cluster` checks what a cluster needs, as build_and_push.py --doctor
does. Exit codes: 0 nothing has to be mended, 3 something has.
"""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from common import cli, options
from common.broker_settings import BrokerSettings
from common.database_settings import DatabaseSettings
from common.errors import OperatorError
from common.options import same, section
from posture.settings import ModelSettings
from posture.store.settings import FolderSettings

_DEADLINE = 20.0  # seconds for all checks, side by side; the broker is tried in some


@dataclass(frozen=True)
class DoctorSettings(ModelSettings):
    """What a worker on this machine needs."""

    broker: BrokerSettings = section(BrokerSettings)
    database: DatabaseSettings = section(DatabaseSettings)
    pictures: Path = same(FolderSettings, "pictures")
    quarantine: Path = same(FolderSettings, "quarantine")


def main(argv: list[str] | None = None) -> int:
    """Check, and show each answer."""
    words = sys.argv[1:] if argv is None else argv
    if "--cluster" in words:
        import build_and_push

        return build_and_push.main(
            ["--doctor", *(w for w in words if w != "--cluster")]
        )
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--cluster", action="store_true", help="check what a cluster needs"
    )
    options.add_arguments(parser, DoctorSettings)
    arguments = parser.parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), cli.print_error)


def _run(arguments: argparse.Namespace) -> int:
    from launcher.checks.worker import settings_check, worker_checks
    from launcher.preflight import examine, failed

    checks = [
        settings_check("model", ModelSettings, arguments, _check_model),
        settings_check("folders", FolderSettings, arguments, _check_folders),
        *worker_checks(arguments),
    ]
    findings = examine(checks, _DEADLINE)
    for each in findings:
        print(each)  # noqa: T201 - what was asked for
    return 3 if failed(findings) else 0


def _check_model(settings: ModelSettings) -> str:
    from posture.models import find_bundle

    return str(find_bundle(settings.models_folder, settings.model))


def _check_folders(settings: FolderSettings) -> str:
    for folder in (settings.pictures, settings.quarantine):
        there = next(
            each for each in (folder, *folder.absolute().parents) if each.exists()
        )
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            raise OperatorError(f"{folder} cannot be written, for {there} cannot")
    return f"{settings.pictures} and {settings.quarantine} can be written"
