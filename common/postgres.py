"""The one door to PostgreSQL: connections that wait no longer than their deadline."""

import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import psycopg2.extensions

from common.database_settings import DatabaseSettings
from common.errors import OperatorError
from common.postgres_words import remedy

# Class 22 is "data exception": what the driver itself cannot send, such as a NUL.
_NOT_A_TEXT = "22021"


class DatabaseError(OperatorError):
    """The database did not do it; the text says why and what to do.

    `code` is the SQLSTATE, empty when the server gave none: it is away, or silent.
    `constraint` is the name of one that was violated.
    """

    def __init__(self, text: str, code: str = "", constraint: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.constraint = constraint


class Connection:
    """A connection that is made when needed, and made again after each failure.

    Threads that want something of it at the same time wait for each other.
    """

    def __init__(
        self, settings: DatabaseSettings, program: str, *, read_only: bool = False
    ) -> None:
        """Prepare; `program` is the name by which the server knows who asks."""
        self._settings = settings
        self._program = program
        self._connection: Any = None
        self._lock = threading.Lock()
        # One string with the statement, so one round trip, and a transaction without
        # BEGIN: its result is the last, and is there once it is committed. What a
        # role or a database has set otherwise does not matter, and nothing stays
        # behind in a pooler's connection, which others use too.
        mode = ", READ ONLY" if read_only else ""
        self._prelude = (
            f"SET TRANSACTION ISOLATION LEVEL READ COMMITTED{mode}; "
            f"SET LOCAL statement_timeout = {int(settings.deadline * 1000)}; "
            "SET LOCAL TimeZone = 'UTC'; "
        )
        psycopg2.extensions.set_wait_callback(_wait_with_deadline)

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What a statement (or the last of some) gives, in a transaction of its own.

        Raises:
            DatabaseError: no answer in time, or a refusal. A change that was to be made
                is made only if the answer was lost on its way.
        """
        with self._cursor() as cursor:
            # Without values a % is nothing but a %.
            cursor.execute(self._prelude + statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def try_out(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What a statement gives, rolled back at once.

        Raises:
            DatabaseError: no answer in time, or a refusal.
        """
        with self._cursor() as cursor:
            cursor.execute("BEGIN; " + self._prelude + statement, values or None)
            found = list(cursor.fetchall()) if cursor.description else []
            cursor.execute("ROLLBACK")
            return found

    def close(self) -> None:
        """Close the connection; the next use makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        _deadline.seconds = self._settings.deadline
        with self._lock:
            try:
                with self._connect().cursor() as cursor:
                    yield cursor
            except (psycopg2.Error, ValueError, UnicodeError) as error:
                self.close()
                raise _explained(error, self._settings) from error

    def _connect(self) -> Any:  # noqa: ANN401 - psycopg2's own type is a C class
        if self._connection is None:
            settings = self._settings
            self._connection = psycopg2.connect(
                host=settings.host,
                port=settings.port,
                dbname=settings.name,
                user=settings.user,
                password=settings.password,
                sslmode=settings.sslmode,
                sslrootcert=settings.ca_file or "",
                connect_timeout=int(settings.deadline),
                application_name=self._program,
            )
            self._connection.autocommit = True
        return self._connection


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


def _explained(error: Exception, settings: DatabaseSettings) -> DatabaseError:
    ours = not isinstance(error, psycopg2.Error)
    code = _NOT_A_TEXT if ours else getattr(error, "pgcode", None) or ""
    place = f"{settings.host}:{settings.port}/{settings.name}"
    said = " ".join(str(error).split()) or type(error).__name__
    text = f"database {place}: {said}"
    if advice := remedy(said, code, settings.host):
        text += f" ({advice})"
    if settings.password:
        text = text.replace(settings.password, "***")
    constraint = getattr(getattr(error, "diag", None), "constraint_name", None) or ""
    return DatabaseError(text, code, constraint)
