"""Rows of `posture_log`, each written exactly once."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from common.database_settings import DatabaseSettings
from common.postgres import REMEDIES, Connection, DatabaseError

# Any number will do, as long as every worker uses the same one.
_LOCK = 0x706F7374757265  # "posture"

# How many of the newest rows a message's row is looked for in before it is written. A
# broker redelivers only what it has in flight, so the row cannot be further back, and
# no index is needed.
_LOOK_BACK = 30_000

_DATA_ERRORS = ("22", "23")  # SQLSTATE classes: data exception, constraint violation


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
    reason: str | None = None
    """Why nobody was judged, None where somebody was."""
    view: str | None = None
    yaw: int | None = None
    """Degrees: 90 from the side, 0 from front or back."""
    rotate: int | None = None
    """Degrees clockwise that would make a turned picture upright; never stored."""


OPTIONAL = {"view": "%s", "reason": "%s", "yaw": "%s::int"}
"""Columns that the table may have (deploy/posture_log_reasons.sql), and their types."""

COLUMNS = tuple(
    field.name for field in fields(Row) if field.name not in {*OPTIONAL, "rotate"}
)
"""The documented columns, but for the id."""

_COLUMNS = ", ".join(COLUMNS)
# Needs the rights that a row needs, and no more; writes none.
_NOTHING = (
    f"INSERT INTO posture_log ({_COLUMNS}) "  # noqa: S608 - constants
    f"SELECT {', '.join('NULL' for _ in COLUMNS)} FROM posture_log "
    "WHERE id IS NULL AND filename IS NULL"
)
_TYPES = "%s, %s, %s::timestamp, %s::timestamp, %s::int, %s::int, %s, %s, %s"


class PostureLog:
    """The table, over one connection that is made when needed and made again."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._connection = Connection(settings, "posture-analyzer")
        self._optional: tuple[str, ...] | None = None  # not known yet

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows that are not there yet, all or none; the name is the file's.

        One round trip, however far the database is. The lock comes in a statement of
        its own: the INSERT must take its snapshot after the lock is held, or two
        workers would both find the row missing.

        Raises:
            DatabaseError: not written.
        """
        names = (*COLUMNS, *self._optional_columns())
        columns = ", ".join(names)
        extra = "".join(f", {OPTIONAL[name]}" for name in names[len(COLUMNS) :])
        values = f"({_TYPES}{extra})"
        try:
            self.ask(
                f"SELECT pg_advisory_xact_lock({_LOCK}); "  # noqa: S608 - constants
                f"INSERT INTO posture_log ({columns}) "
                f"SELECT * FROM (VALUES {', '.join([values] * len(rows))}) "
                f"AS new ({columns}) "
                "WHERE NOT EXISTS (SELECT FROM posture_log AS old WHERE old.id > "
                f"(SELECT coalesce(max(id), 0) - {_LOOK_BACK} FROM posture_log) "
                "AND old.filename = new.filename)",
                *(getattr(row, name) for row in rows for name in names),
            )
        except DatabaseError:
            self._optional = (
                None  # perhaps a column is gone, or its database is another
            )
            raise

    def _optional_columns(self) -> tuple[str, ...]:
        """Those of the optional columns that the table has and this user may fill."""
        if self._optional is None:
            found = self.ask(
                "SELECT attname::text FROM pg_attribute WHERE attrelid = "
                "to_regclass('posture_log') AND attname = ANY(%s) AND NOT attisdropped "
                "AND has_column_privilege(attrelid, attnum, 'INSERT')",
                list(OPTIONAL),
            )
            there = {name for (name,) in found}
            self._optional = tuple(name for name in OPTIONAL if name in there)
        return self._optional

    def known(self, names: Sequence[str]) -> set[str]:
        """Which of these files have a row among the newest ones.

        Raises:
            DatabaseError: the database does not answer.
        """
        found = self.ask(
            "SELECT filename FROM posture_log WHERE filename = ANY(%s) AND id > "
            "(SELECT coalesce(max(id), 0) - %s FROM posture_log)",
            list(names),
            _LOOK_BACK,
        )
        return {name for (name,) in found}

    def check(self) -> None:
        """Make sure that the table can be reached, has its columns and may be added to.

        Raises:
            DatabaseError: it cannot, or has not.
        """
        self.ask(_NOTHING)

    def check_rights(self) -> None:
        """Make sure that this user may add rows, as far as grants tell.

        Raises:
            DatabaseError: it may not.
        """
        ((allowed,),) = self.ask(
            "SELECT has_table_privilege('posture_log', 'INSERT') AND "
            "has_column_privilege('posture_log', 'id', 'SELECT') AND "
            "has_column_privilege('posture_log', 'filename', 'SELECT') AND "
            "coalesce(has_sequence_privilege("
            "pg_get_serial_sequence('posture_log', 'id'), 'USAGE'), true)"
        )
        if not allowed:
            raise DatabaseError(
                f"{self._settings.user} may not add rows: {REMEDIES['42501']}", "42501"
            )

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a statement gives, in a transaction of its own.

        Raises:
            DatabaseError: no answer in time, or a refusal; then nothing has changed.
        """
        return self._connection.ask(statement, *values)

    def close(self) -> None:
        """Close the connection; the next use makes a new one."""
        self._connection.close()


def is_permanent(error: DatabaseError) -> bool:
    """Whether the rows themselves are at fault, so that trying again cannot help."""
    return error.code[:2] in _DATA_ERRORS


def write_each(table: PostureLog, rows: Sequence[Row]) -> dict[str, str]:
    """Write rows one by one; gives the reasons why some could not be, by file name.

    Raises:
        DatabaseError: the database, not a row, is at fault.
    """
    refused = {}
    for row in rows:
        try:
            table.write([row])
        except DatabaseError as error:
            if not is_permanent(error):
                raise
            refused[row.filename] = str(error)
    return refused
