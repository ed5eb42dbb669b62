"""Rows of `posture_log`, read over a few connections that cannot change anything."""

import queue
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from common.database_settings import DatabaseSettings
from common.errors import OperatorError
from common.postgres import Connection, DatabaseError
from posture.store import optional_columns

_CONNECTIONS = 4
_NEWEST = 30_000  # rows that are looked through for cameras without the indexes
_REMEMBERED = timedelta(days=90)  # a camera that is silent for longer is forgotten
FIRST_YEAR, LAST_YEAR = 1, 9999
"""Python's times end with these, PostgreSQL's do not: rows beyond have no time here."""

IN_TIME = (
    f"received_time >= '{FIRST_YEAR + 1:04}-01-01' "
    f"AND received_time < '{LAST_YEAR:04}-01-01'"
)
_COLUMNS = (
    "id, coalesce(pi_id, ''), coalesce(filename, ''), "
    f"CASE WHEN {IN_TIME} THEN received_time END, "
    f"CASE WHEN {IN_TIME.replace('received', 'analyzed')} THEN analyzed_time END, "
    "neck_angle, body_angle, coalesce(posture_status, ''), coalesce(processed_by, ''), "
    "landmarks_detected"
)

# Jumps through the index from one camera to the next, where GROUP BY reads all of it.
_NEWEST_OF_EACH = f"""
WITH RECURSIVE cameras AS (
    SELECT min(pi_id) AS pi_id FROM posture_log
    UNION ALL
    SELECT (SELECT min(pi_id) FROM posture_log WHERE pi_id > cameras.pi_id)
    FROM cameras WHERE pi_id IS NOT NULL
)
SELECT newest.id FROM cameras CROSS JOIN LATERAL (
    SELECT id FROM posture_log AS row WHERE row.pi_id = cameras.pi_id
    AND {IN_TIME} ORDER BY received_time DESC, id DESC LIMIT 1
) AS newest"""  # noqa: S608 - constants


_PAUSES = f"""
SELECT pi_id, date_part('epoch', max(received_time) - min(received_time))
    / (count(*) - 1)
FROM (SELECT pi_id, received_time FROM posture_log ORDER BY id DESC LIMIT %s) AS newest
WHERE pi_id IS NOT NULL AND {IN_TIME} GROUP BY pi_id HAVING count(*) > 1"""  # noqa: S608


class DatabaseAwayError(OperatorError):
    """The database does not answer."""


@dataclass(frozen=True)
class StoredRow:
    """One row of `posture_log`; times are aware, angles whole degrees or None."""

    id: int
    pi_id: str
    filename: str
    received_time: datetime | None
    analyzed_time: datetime | None
    neck_angle: int | None
    body_angle: int | None
    posture_status: str
    processed_by: str
    landmarks_detected: bool | None = None
    view: str | None = None
    reason: str | None = None
    yaw: int | None = None
    """The last three only where the table has them: deploy/posture_log_reasons.sql."""


class Rows:
    """A few connections that are opened when needed, and again after a loss."""

    def __init__(self, settings: DatabaseSettings) -> None:
        """Prepare; nothing is connected yet."""
        self._optional: str | None = None  # not known yet
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        for _ in range(_CONNECTIONS):
            self._idle.put(Connection(settings, "posture-page", read_only=True))

    def newest_id(self) -> int:
        """The largest id, 0 in an empty table."""
        return int(self.ask("SELECT coalesce(max(id), 0) FROM posture_log")[0][0])

    def after(self, number: int, limit: int = 1000) -> list[StoredRow]:
        """Rows with a larger id, oldest first."""
        return self.rows("WHERE id > %s ORDER BY id LIMIT %s", number, limit)

    def one(self, number: int) -> StoredRow | None:
        """The row of this id."""
        return next(iter(self.rows("WHERE id = %s", number)), None)

    def newest_of_each(self) -> list[StoredRow]:
        """The newest row of each camera.

        With the indexes of deploy/posture_log_page.sql those of all cameras; without
        them those in the newest rows, because every other way reads the whole table.
        """
        if self._has_index():
            return self.rows(f"WHERE id IN ({_NEWEST_OF_EACH})")
        return self.rows(
            "WHERE id IN (SELECT max(id) FROM (SELECT id, pi_id FROM posture_log "
            "ORDER BY id DESC LIMIT %s) AS newest GROUP BY pi_id)",
            _NEWEST,
        )

    def pauses(self) -> dict[str, float]:
        """Usual seconds between two pictures, of the cameras in the newest rows."""
        found = self.ask(_PAUSES, _NEWEST)
        return {str(pi): float(pause) for pi, pause in found}

    def remembered(self) -> list[StoredRow]:
        """The newest row of each camera of the last 90 days, for `newest_of_each`.

        That knows all of them where there are the indexes: none more then. Without
        them this reads the whole table.
        """
        if self._has_index():
            return []
        since = (datetime.now(UTC) - _REMEMBERED).replace(tzinfo=None)
        return self.rows(
            "WHERE id IN (SELECT max(id) FROM posture_log WHERE received_time >= %s "
            "GROUP BY pi_id)",
            since,
        )

    def _has_index(self) -> bool:
        return bool(self.ask("SELECT to_regclass('posture_log_by_pi')")[0][0])

    def rows(self, tail: str, *values: object) -> list[StoredRow]:
        """Rows by the end of a SELECT."""
        columns = f"{_COLUMNS}, {self._optional_columns()}"
        found = self.ask(f"SELECT {columns} FROM posture_log {tail}", *values)  # noqa: S608 - constants
        return [_row(*each) for each in found]

    def has_reasons(self) -> bool:
        """Whether the table says why nobody was judged."""
        return "reason" in self._optional_columns().split(", ")

    def _optional_columns(self) -> str:
        """The optional columns, with NULL for those that the table lacks."""
        if self._optional is None:
            there = optional_columns.found(self.ask, "SELECT")
            names = (
                name if name in there else "NULL" for name in optional_columns.TYPES
            )
            self._optional = ", ".join(names)
        return self._optional

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows that a statement gives; times without a zone are UTC's.

        Raises:
            DatabaseAwayError: the database did not answer; says why.
        """
        connection = self._idle.get()
        try:
            return connection.ask(statement, *(_clean(each) for each in values))
        except DatabaseError as error:
            raise DatabaseAwayError(str(error)) from error
        finally:
            self._idle.put(connection)


def _row(
    number: int,
    pi_id: str,
    filename: str,
    received: datetime | None,
    analyzed: datetime | None,
    *rest: Any,  # noqa: ANN401 - the other columns, in the order of StoredRow
) -> StoredRow:
    return StoredRow(number, pi_id, filename, _aware(received), _aware(analyzed), *rest)


def _clean(value: object) -> object:
    """A value as PostgreSQL can hold it: a text without NUL."""
    return value.replace("\0", "") if isinstance(value, str) else value


def _aware(time: datetime | None) -> datetime | None:
    """A time of the table, whose columns may be with a zone or without: UTC."""
    return time and time.replace(tzinfo=UTC)
