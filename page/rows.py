"""The one door to the database, read-only: rows of `posture_log`."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg2

from page.errors import PageError
from posture.settings import DatabaseSettings

_CONNECTIONS = 4
_NEWEST = 30_000  # rows that are looked through for cameras without the indexes
_COLUMNS = (
    "id, coalesce(pi_id, ''), coalesce(filename, ''), received_time, analyzed_time, "
    "neck_angle, body_angle, coalesce(posture_status, ''), coalesce(processed_by, '')"
)

# Jumps through the index from one camera to the next, where GROUP BY reads all of it.
_NEWEST_OF_EACH = """
WITH RECURSIVE cameras AS (
    SELECT min(pi_id) AS pi_id FROM posture_log
    UNION ALL
    SELECT (SELECT min(pi_id) FROM posture_log WHERE pi_id > cameras.pi_id)
    FROM cameras WHERE pi_id IS NOT NULL
)
SELECT newest.id FROM cameras CROSS JOIN LATERAL (
    SELECT id FROM posture_log AS row WHERE row.pi_id = cameras.pi_id
    AND received_time IS NOT NULL ORDER BY received_time DESC, id DESC LIMIT 1
) AS newest"""


class DatabaseAwayError(PageError):
    """The database does not answer."""


@dataclass(frozen=True)
class Row:
    """One row of `posture_log`; times are aware, angles whole degrees or None."""

    id: int
    pi: str
    filename: str
    received: datetime | None
    analyzed: datetime | None
    neck: int | None
    body: int | None
    status: str
    node: str


class Rows:
    """A few connections that are opened when needed, and again after a loss."""

    def __init__(self, settings: DatabaseSettings) -> None:
        """Prepare; nothing is connected yet."""
        self._settings = settings
        self._idle: queue.LifoQueue[Any] = queue.LifoQueue()
        for _ in range(_CONNECTIONS):
            self._idle.put(None)

    def newest_id(self) -> int:
        """The largest id, 0 in an empty table."""
        return int(self.ask("SELECT coalesce(max(id), 0) FROM posture_log")[0][0])

    def after(self, number: int, limit: int = 1000) -> list[Row]:
        """Rows with a larger id, oldest first."""
        return self.rows("WHERE id > %s ORDER BY id LIMIT %s", number, limit)

    def one(self, number: int) -> Row | None:
        """The row of this id."""
        return next(iter(self.rows("WHERE id = %s", number)), None)

    def newest_of_each(self) -> list[Row]:
        """The newest row of each camera.

        With the indexes of deploy/posture_log_page.sql those of all cameras; without
        them those in the newest rows, because every other way reads the whole table.
        """
        if self.ask("SELECT to_regclass('posture_log_by_pi')")[0][0]:
            return self.rows(f"WHERE id IN ({_NEWEST_OF_EACH})")
        return self.rows(
            "WHERE id IN (SELECT max(id) FROM (SELECT id, pi_id FROM posture_log "
            "ORDER BY id DESC LIMIT %s) AS newest GROUP BY pi_id)",
            _NEWEST,
        )

    def rows(self, tail: str, *values: object) -> list[Row]:
        """Rows by the end of a SELECT."""
        found = self.ask(f"SELECT {_COLUMNS} FROM posture_log {tail}", *values)  # noqa: S608 - constants
        return [_row(*each) for each in found]

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows that a statement gives.

        Raises:
            DatabaseAwayError: the database did not answer; says why.
        """
        try:
            with self._connection() as connection, connection.cursor() as cursor:
                cursor.execute(statement, [_clean(each) for each in values])
                return list(cursor.fetchall())
        except psycopg2.Error as error:
            raise DatabaseAwayError(_words(error, self._settings)) from error

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        connection = self._idle.get()
        try:
            if connection is None or connection.closed:
                connection = self._connect()
            yield connection
        except psycopg2.Error:
            if connection is not None:
                connection.close()
            raise
        finally:
            self._idle.put(connection)

    def _connect(self) -> Any:  # noqa: ANN401 - psycopg2's own type is a C class
        it = self._settings
        milliseconds = int(it.deadline * 1000)
        connection = psycopg2.connect(
            host=it.host,
            port=it.port,
            dbname=it.name,
            user=it.user,
            password=it.password,
            sslmode=it.sslmode,
            sslrootcert=it.ca_file or "",
            connect_timeout=max(2, int(it.deadline)),
            tcp_user_timeout=milliseconds,
            keepalives_idle=5,
            keepalives_interval=5,
            keepalives_count=3,
            application_name="posture-page",
        )
        connection.set_session(readonly=True, autocommit=True)
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {milliseconds}")
        return connection


def _row(
    number: int,
    pi: str,
    filename: str,
    received: datetime | None,
    analyzed: datetime | None,
    *rest: Any,  # noqa: ANN401 - the other columns, in the order of Row
) -> Row:
    return Row(number, pi, filename, _aware(received), _aware(analyzed), *rest)


def _clean(value: object) -> object:
    """A value as PostgreSQL can hold it: a text without NUL."""
    return value.replace("\0", "") if isinstance(value, str) else value


def _aware(time: datetime | None) -> datetime | None:
    return time and time.replace(tzinfo=UTC)


def _words(error: Exception, settings: DatabaseSettings) -> str:
    said = " ".join(str(error).split()) or "the connection is gone"
    if settings.password:
        said = said.replace(settings.password, "***")
    return said
