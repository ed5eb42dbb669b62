"""Who is at work, and what came last: read from the table, and asked of nobody else.

A worker's session at the broker is left alone, for to look into it would throw a
working one off. `--waiting` looks all the same, unless somebody is known to be at work.

Exit codes: 0 somebody is at work, 1 nobody is, or a session is not declared, 2 wrong
settings.
"""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from common import cli, options
from common.database_settings import DatabaseSettings
from common.errors import OperatorError
from common.options import section
from posture.settings import SessionSettings

if TYPE_CHECKING:
    from page.rows import Rows

_RECENT = timedelta(minutes=2)  # a row this new was written by somebody at work
# The name is seen by every user of the server, other columns are not.
_WORKERS = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'posture-analyzer' AND datname = current_database()"""
_NEWEST = """
SELECT processed_by, max(received_time) FROM (
    SELECT processed_by, received_time FROM posture_log ORDER BY id DESC LIMIT 2000
) AS newest GROUP BY 1 ORDER BY 2 DESC"""


@dataclass(frozen=True)
class StatusSettings(SessionSettings):
    """Where the rows are, and where pictures wait."""

    database: DatabaseSettings = section(DatabaseSettings)


def main(argv: list[str] | None = None) -> int:
    """Show it."""
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--waiting",
        action="store_true",
        help="count the pictures that wait at the broker; only while nobody is at work",
    )
    options.add_arguments(parser, StatusSettings)
    arguments = parser.parse_args(argv)
    return cli.exit_code(lambda: _run(arguments), cli.print_error)


def _run(arguments: argparse.Namespace) -> int:
    from command.table import settings_with_table
    from page.rows import Rows

    with settings_with_table(StatusSettings, arguments) as settings:
        rows = Rows(settings.database)
        working = at_work(rows, datetime.now(UTC))
        _say(working.text)
        for row in rows.newest_of_each():
            _say(f"  {row.pi_id}: {_ago(row.received_time)}, {row.posture_status}")
        if arguments.waiting:
            return _look(settings, working)
        return 0 if working else 1


class Working:
    """Whether a worker is at work, and by what that is known."""

    def __init__(self, connected: int, last: datetime | None, now: datetime) -> None:
        self._connected = connected
        self._recent = last is not None and now - last < _RECENT
        self._last = last

    def __bool__(self) -> bool:
        return self._connected > 0 or self._recent

    @property
    def text(self) -> str:
        """As a sentence."""
        if self._connected:
            number = f"{self._connected} connected to the database"
            return f"at work: {number}; newest row {_ago(self._last)}"
        if self._recent:
            return f"at work: the newest row came {_ago(self._last)}"
        return f"no worker is at work; newest row {_ago(self._last)}"


def at_work(rows: "Rows", now: datetime) -> Working:
    """What the database knows of workers.

    Raises:
        DatabaseAwayError: it does not answer.
    """
    ((connected,),) = rows.ask(_WORKERS)
    newest: list[tuple[Any, ...]] = rows.ask(_NEWEST)
    last = newest[0][1].replace(tzinfo=UTC) if newest and newest[0][1] else None
    return Working(connected, last, now)


def _look(settings: StatusSettings, working: Working) -> int:
    from posture.mqtt.sessions import look

    if working:
        raise OperatorError(
            "what waits is not looked at: that would throw the worker off the broker"
        )
    states = look(settings)
    for state in states:
        _say(str(state))
    return 1 if any(state.exists is False for state in states) else 0


def _ago(time: datetime | None) -> str:
    if time is None:
        return "never"
    seconds = (datetime.now(UTC) - time).total_seconds()
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name} ago"
    return f"{max(0, seconds):.0f} seconds ago"


def _say(text: str) -> None:
    print(text)  # noqa: T201 - what was asked for
