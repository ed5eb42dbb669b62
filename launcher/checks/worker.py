"""The worker's own doors, asked on behalf of the launcher: broker, database, session.

The one place where the launcher knows the worker's code.
"""

import argparse
import os
from collections.abc import Callable
from typing import TypeVar

from common import options
from common.database_settings import DatabaseSettings
from common.options import SettingsError
from launcher.preflight import Check, CheckError, Doubt
from posture.settings import SessionSettings
from posture.worker.checks import check_broker, check_database

Settings = TypeVar("Settings")


def worker_checks(arguments: argparse.Namespace) -> list[Check]:
    """Whether the worker will reach its broker and its table."""
    return [
        settings_check("broker", SessionSettings, arguments, _check_broker),
        settings_check("database", DatabaseSettings, arguments, check_database),
    ]


def settings_check(
    name: str,
    settings: type[Settings],
    arguments: argparse.Namespace,
    ask: Callable[[Settings], str],
) -> Check:
    """A check that needs these settings; what they lack is its answer."""

    def answer() -> str:
        try:
            read = options.read(settings, arguments, os.environ)
        except SettingsError as error:
            remedy = "set it in the environment, or in .env of this folder"
            raise CheckError("; ".join(error.problems), remedy) from error
        return ask(read)

    return Check(name, answer)


def declare_session(session: SessionSettings) -> Callable[[], str]:
    """Has the broker keep pictures for the worker from now on."""
    return lambda: _declare(session)


def _check_broker(session: SessionSettings) -> str:
    from posture.mqtt.probe import UntriedError

    try:
        return check_broker(session)
    except UntriedError as error:
        remedy = "python mqtt_posture_analyzer_with_db.py probe, as a user who may"
        raise Doubt(str(error), remedy) from error


def _declare(session: SessionSettings) -> str:
    from posture.mqtt.sessions import declare

    declare(session)
    return f"the broker keeps {session.topic} for {session.client_id}"
