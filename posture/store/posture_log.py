"""The one door to PostgreSQL: rows of `posture_log`, each exactly once."""

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any

import psycopg2
import psycopg2.extensions

from common.errors import OperatorError
from posture.settings import DatabaseSettings

log = logging.getLogger(__name__)

# Any number will do, as long as every worker uses the same one.
_LOCK = 0x706F7374757265  # "posture"

# How many of the newest rows a message's row is looked for in before it is written. A
# broker redelivers only what it has in flight, so the row cannot be further back, and
# no index is needed.
_LOOK_BACK = 30_000

_DATA_ERRORS = ("22", "23")  # SQLSTATE classes: data exception, constraint violation
_REMEDIES = {
    "42P01": "create the table: deploy/posture_log.sql",
    "42703": "the table lacks a documented column: see deploy/posture_log.sql",
    "42501": "grant INSERT and SELECT on posture_log, and USAGE on posture_log_id_seq; "
    "or run deploy/supabase_rls.sql",
    "25006": "the database is read-only for now",
    "53100": "the database's disk is full",
}
_WORDS = {
    "authentication failed": "check SUPABASE_USER and SUPABASE_PASSWORD",
    "could not translate host name": "check SUPABASE_HOST",
    "server does not support SSL": "set SUPABASE_SSL=disable for a server without TLS",
    "does not exist": "check SUPABASE_DB and SUPABASE_USER",
}


@dataclass(frozen=True)
class Row:
    """One row of `posture_log`, but for its id; times are UTC without a zone."""

    pi_id: str
    filename: str
    received_time: datetime
    analyzed_time: datetime
    neck_angle: int | None
    body_angle: int | None
    posture_status: str
    landmarks_detected: bool
    processed_by: str


_COLUMNS = ", ".join(field.name for field in fields(Row))
# Needs the rights that a row needs, and no more; writes none.
_NOTHING = (
    f"INSERT INTO posture_log ({_COLUMNS}) "  # noqa: S608 - constants
    f"SELECT {', '.join('NULL' for _ in fields(Row))} FROM posture_log "
    "WHERE id IS NULL AND filename IS NULL"
)
_TYPES = "(%s, %s, %s::timestamp, %s::timestamp, %s::int, %s::int, %s, %s, %s)"


class LogError(OperatorError):
    """The rows were not written; the text says why and what to do.

    `permanent` is set when the rows themselves are at fault, so that trying again
    cannot help.
    """

    def __init__(self, text: str, *, permanent: bool = False) -> None:
        super().__init__(text)
        self.permanent = permanent


class PostureLog:
    """The table, over one connection that is made when needed and made again."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._connection: Any = None
        psycopg2.extensions.set_wait_callback(_wait_with_deadline)

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows that are not there yet, all or none; the name is the file's.

        Raises:
            LogError: not written.
        """
        with self._cursor() as cursor:
            cursor.execute(self._statement(cursor, rows))

    def known(self, names: Sequence[str]) -> set[str]:
        """Which of these files have a row among the newest ones.

        Raises:
            LogError: the database does not answer.
        """
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT filename FROM posture_log WHERE filename = ANY(%s) AND id > "
                "(SELECT coalesce(max(id), 0) - %s FROM posture_log)",
                (list(names), _LOOK_BACK),
            )
            return {name for (name,) in cursor.fetchall()}

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """A cursor for one statement, which ends within the deadline.

        Raises:
            LogError: it failed; the next use makes a new connection.
        """
        _deadline.seconds = self._settings.deadline
        try:
            with self._connect().cursor() as cursor:
                yield cursor
        except (psycopg2.Error, ValueError, UnicodeError) as error:
            self.close()
            raise _explain(error, self._settings) from error

    def check(self) -> None:
        """Make sure that the table can be reached, has its columns and may be added to.

        Raises:
            LogError: it cannot, or has not.
        """
        _deadline.seconds = self._settings.deadline
        try:
            with self._connect().cursor() as cursor:
                cursor.execute(_NOTHING)
        except psycopg2.Error as error:
            self.close()
            raise _explain(error, self._settings) from error

    def check_rights(self) -> None:
        """Make sure that this user may add rows, as far as grants tell.

        Raises:
            LogError: it may not.
        """
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT has_table_privilege('posture_log', 'INSERT') AND "
                "has_column_privilege('posture_log', 'id', 'SELECT') AND "
                "has_column_privilege('posture_log', 'filename', 'SELECT') AND "
                "coalesce(has_sequence_privilege("
                "pg_get_serial_sequence('posture_log', 'id'), 'USAGE'), true)"
            )
            (allowed,) = cursor.fetchone()
        if not allowed:
            raise LogError(
                f"{self._settings.user} may not add rows: {_REMEDIES['42501']}"
            )

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a statement gives, in a transaction of its own.

        Raises:
            LogError: no answer in time, or a refusal; then nothing has changed.
        """
        _deadline.seconds = self._settings.deadline
        timeout = int(self._settings.deadline * 1000)
        try:
            with self._connect().cursor() as cursor:
                cursor.execute(f"BEGIN; SET LOCAL statement_timeout = {timeout}")
                cursor.execute(statement, values)
                found = list(cursor.fetchall())
                cursor.execute("COMMIT")
                return found
        except psycopg2.Error as error:
            self.close()
            raise _explain(error, self._settings) from error

    def close(self) -> None:
        """Close the connection; the next use makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Any:  # noqa: ANN401 - psycopg2's own type is a C class
        if self._connection is None:
            it = self._settings
            self._connection = psycopg2.connect(
                host=it.host,
                port=it.port,
                dbname=it.name,
                user=it.user,
                password=it.password,
                sslmode=it.sslmode,
                sslrootcert=it.ca_file or "",
                connect_timeout=int(it.deadline),
                application_name="posture-analyzer",
            )
            # Each statement is its own transaction: nothing is left open when it fails.
            self._connection.autocommit = True
        return self._connection

    def _statement(self, cursor: Any, rows: Sequence[Row]) -> str:  # noqa: ANN401
        """One string, so one round trip, however far the database is.

        The lock comes in a statement of its own: the INSERT must take its snapshot
        after the lock is held, or two workers would both find the row missing.
        """
        quoted = (cursor.mogrify(_TYPES, astuple(row)) for row in rows)
        values = b", ".join(quoted).decode()
        timeout = int(self._settings.deadline * 1000)
        return (
            f"BEGIN; SET LOCAL statement_timeout = {timeout}; "  # noqa: S608 - quoted by mogrify
            f"SELECT pg_advisory_xact_lock({_LOCK}); "
            f"INSERT INTO posture_log ({_COLUMNS}) "
            f"SELECT * FROM (VALUES {values}) AS new ({_COLUMNS}) "
            "WHERE NOT EXISTS (SELECT FROM posture_log AS old WHERE old.id > "
            f"(SELECT coalesce(max(id), 0) - {_LOOK_BACK} FROM posture_log) "
            "AND old.filename = new.filename); COMMIT"
        )


class _Deadline(threading.local):
    seconds: float = 15


_deadline = _Deadline()


def _wait_with_deadline(connection: Any) -> None:  # noqa: ANN401 - psycopg2's C class
    """Wait for the database, but not for ever.

    Without this a network that goes silent hangs psycopg2 until the kernel gives up,
    keepalives or not. Shutting the socket down is what makes libpq let go.
    """
    until = time.monotonic() + _deadline.seconds
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        reading = state == psycopg2.extensions.POLL_READ
        _wait_for(connection.fileno(), reading, until)


def _wait_for(descriptor: int, reading: bool, until: float) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN if reading else select.POLLOUT)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        with socket.socket(fileno=os.dup(descriptor)) as line:
            line.shutdown(socket.SHUT_RDWR)
        raise psycopg2.OperationalError("the database did not answer in time")


def _explain(error: Exception, settings: DatabaseSettings) -> LogError:
    code = getattr(error, "pgcode", None) or ""
    place = f"{settings.host}:{settings.port}/{settings.name}"
    said = " ".join(str(error).split()) or type(error).__name__
    remedy = _REMEDIES.get(code) or next(
        (remedy for words, remedy in _WORDS.items() if words in said), ""
    )
    text = f"database {place}: {said}"
    if settings.password:
        text = text.replace(settings.password, "***")
    permanent = code[:2] in _DATA_ERRORS or not isinstance(error, psycopg2.Error)
    return LogError(text + (f" ({remedy})" if remedy else ""), permanent=permanent)


def write_each(table: PostureLog, rows: Sequence[Row]) -> dict[str, str]:
    """Write rows one by one; gives the reasons why some could not be, by file name.

    Raises:
        LogError: the database, not a row, is at fault.
    """
    refused = {}
    for row in rows:
        try:
            table.write([row])
        except LogError as error:
            if not error.permanent:
                raise
            refused[row.filename] = str(error)
    return refused
