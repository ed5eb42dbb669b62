"""Which database a command reads: the one that is set, else what the demo has kept."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from common import cli, options
from common.database_settings import DatabaseSettings
from common.options import SettingsError

Settings = TypeVar("Settings")
_DEMO = Path("local")


@contextmanager
def settings_with_table(
    settings: type[Settings], arguments: argparse.Namespace
) -> Iterator[Settings]:
    """The settings; without any of a database, those of the demo in this folder.

    Raises:
        SettingsError: something is missing or wrong, and there is no demo's data.
        OperatorError: its database does not start.
    """
    folder = Path(os.environ.get("LOCAL_FOLDER") or _DEMO)
    if options.given(DatabaseSettings, arguments, os.environ):
        yield cli.read(settings, arguments)
    elif (folder / "database" / "PG_VERSION").exists():
        # The demo's packages need not be there, and take time to import.
        from demo.database import kept_database

        with kept_database(folder) as told:
            cli.print_error(f"no database is set: reading the demo's, in {folder}")
            yield options.read(settings, arguments, told | _set())
    else:
        yield _read_or_explain(settings, arguments)


def _set() -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if text}


def _read_or_explain(
    settings: type[Settings], arguments: argparse.Namespace
) -> Settings:
    try:
        return cli.read(settings, arguments)
    except SettingsError as error:
        raise SettingsError(
            [
                *error.problems,
                "(or write them into .env here; or run `posture demo` once, and its "
                "data in local/ is read)",
            ]
        ) from None
