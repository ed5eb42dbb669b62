"""Rows of `posture_log`, each written exactly once."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from common.database_settings import DatabaseSettings
from common.postgres import Connection, DatabaseError
from posture.store import optional_columns, table_shape
from posture.store.positions import NEWEST, Positions, newest
from posture.store.row import NEVER_STORED, Row
from posture.store.table_shape import LOWEST

# Any number will do, as long as every worker uses the same one.
_LOCK = 0x706F7374757265  # "posture"
_LOCKED = f"SELECT pg_advisory_xact_lock({_LOCK}); "

# SQLSTATEs for which one row alone may be at fault: too long, out of range, no such
# character; a constraint of the user's own; an error that a trigger raises.
_PERHAPS_THE_ROW = frozenset(
    ("22001", "22003", "22021", "22P05", "23502", "23503", "23514", "23P01", "P0001")
)
_THERE_ALREADY, _RAISED = "23505", "P0001"


COLUMNS = tuple(
    field.name
    for field in fields(Row)
    if field.name not in {*optional_columns.TYPES, *NEVER_STORED}
)
"""The documented columns, but for the id."""

_TYPES = "%s, %s, %s::timestamp, %s::timestamp, %s::int, %s::int, %s, %s, %s"


@dataclass(frozen=True)
class Stored:
    """What became of rows that were to be written."""

    ids: Mapping[str, int]
    """The id of each row by its file's name."""
    new: frozenset[str]
    """Names of the rows that were not there before."""


class PostureLog:
    """The table, over one connection that is made when needed and made again."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._connection = Connection(settings, "posture-analyzer")
        self._positions = Positions()
        self._last: Row | None = None  # the last row that the table has accepted
        self._doubtful = False
        self._optional: tuple[str, ...] | None = None  # columns; not known yet

    def write(self, rows: Sequence[Row], since: float | None = None) -> Stored:
        """Write the rows that are not there yet, all or none; the name is the file's.

        `since` is the moment (`time.monotonic`) up to which the table is known not to
        have them.

        One round trip, however far the database is. The lock comes in a statement of
        its own: the INSERT must take its snapshot after the lock is held, or two
        workers would both find the row missing.

        Raises:
            DatabaseError: not written.
        """
        if self._doubtful:
            self.check()  # it would take them again and again, and keep none
        floor = self._positions.before(time.monotonic() if since is None else since)
        try:
            statement, *values = _insert(rows, floor, self._extra())
            made = self._connection.ask(_LOCKED + statement, *values)
            ids = {name: number for number, name in made}
            new = frozenset(ids)
            missing = [row.filename for row in rows if row.filename not in ids]
            if missing:
                ids |= self.find(missing)
        except DatabaseError:
            self._positions.forget()  # another server may answer next, with other ids
            self._optional = None
            raise
        if any(row.filename not in ids for row in rows):
            self._doubtful = True
            raise DatabaseError(table_shape.SWALLOWED)
        self._positions.note(max(ids[name] for name in new) if new else None)
        self._last = rows[-1]
        return Stored(ids, new)

    def find(self, names: Sequence[str]) -> dict[str, int]:
        """The ids of the rows of these files, however old they are.

        The newest are looked through first: that is where nearly all of them are.

        Raises:
            DatabaseError: the database does not answer.
        """
        ids: dict[str, int] = {}
        for floor in (newest(2 * NEWEST), str(LOWEST)):
            if left := [name for name in names if name not in ids]:
                ids |= {
                    name: number
                    for number, name in self.ask(
                        "SELECT id, filename FROM posture_log "  # noqa: S608 - constants
                        f"WHERE filename = ANY(%s) AND id > {floor}",
                        left,
                    )
                }
        return ids

    def confirm(self, ids: Mapping[str, int]) -> set[str]:
        """Which of these files have a row of this id still.

        Raises:
            DatabaseError: the database does not answer.
        """
        found = self.ask(
            "SELECT id, filename FROM posture_log WHERE id = ANY(%s)",
            list(ids.values()),
        )
        return {name for number, name in found if ids.get(name) == number}

    def check(self, like: Row | None = None) -> list[str]:
        """Make sure that the table takes a row; gives what is to be said besides.

        It is a real one, but for its name, and is taken back at once: one as `like`
        if that is given, of the camera that was last written.

        Raises:
            DatabaseError: it does not.
        """
        row = self._probe(like)
        self._optional = None  # whoever checks wants to know what there is now
        try:
            statement = _insert([row], newest(), self._extra())
            made = self._connection.try_out(*statement)
        except DatabaseError as error:
            own = error.constraint or error.code == _RAISED
            if self._last or like or not own or error.code == _THERE_ALREADY:
                raise
            # The table may well take rows of the cameras that there are.
            return [f"whether posture_log takes rows is not known yet: {error}"]
        if [name for _, name in made] != [row.filename]:
            raise DatabaseError(table_shape.SWALLOWED)
        self._doubtful = False
        number = made[0][0]
        self._positions.trusted, said = table_shape.check(self._connection, number)
        self._positions.note(number)
        return said

    def _extra(self) -> tuple[str, ...]:
        """The optional columns that the table has."""
        if self._optional is None:
            self._optional = optional_columns.found(self.ask, "INSERT")
        return self._optional

    def _probe(self, like: Row | None) -> Row:
        now = datetime.now(UTC).replace(tzinfo=None)
        usual = self._last or Row("check", "", now, now, 10, 10, "Good", True, "check")
        name = f"{usual.pi_id}_{secrets.token_hex(16)}.jpg"
        if like is None:
            return replace(usual, filename=name, received_time=now, analyzed_time=now)
        # What is the same in every row of this process, or in every row of now.
        return replace(
            usual,
            filename=name,
            received_time=like.received_time,
            analyzed_time=like.analyzed_time,
            processed_by=like.processed_by,
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

    def write_each(
        self, rows: Sequence[Row], since: float | None = None
    ) -> tuple[Stored, dict[str, DatabaseError]]:
        """Write rows one by one; gives the errors of the others by file name.

        Raises:
            DatabaseError: the database, not a row, is at fault.
        """
        ids: dict[str, int] = {}
        new: frozenset[str] = frozenset()
        failed = {}
        for row in rows:
            try:
                stored = self.write([row], since)
            except DatabaseError as error:
                if error.code == _THERE_ALREADY and (
                    there := self.find([row.filename])
                ):
                    ids |= there  # a unique index of the user's own has found it
                    continue
                if not perhaps_the_row(error):
                    raise
                failed[row.filename] = error
            else:
                ids |= stored.ids
                new |= stored.new
        return Stored(ids, new), failed

    def takes_others(self, row: Row) -> bool:
        """Whether the table takes a row that differs in what is this one's alone.

        Then this row is at fault, for which an error was raised; else every row of now
        would be refused with it.
        """
        try:
            self.check(row)
        except DatabaseError:
            return False
        return True


def perhaps_the_row(error: DatabaseError) -> bool:
    """Whether one row alone may be at fault, and not the table or the database."""
    return error.code in _PERHAPS_THE_ROW


def _insert(
    rows: Sequence[Row], floor: str, optional: Sequence[str]
) -> tuple[str, *tuple[object, ...]]:
    """The statement and its values; it gives id and filename of what it has added."""
    names = (*COLUMNS, *optional)
    columns = ", ".join(names)
    types = ", ".join([_TYPES, *(optional_columns.TYPES[name] for name in optional)])
    return (
        f"INSERT INTO posture_log ({columns}) "  # noqa: S608 - constants
        f"SELECT * FROM (VALUES {', '.join([f'({types})'] * len(rows))}) "
        f"AS new ({columns}) "
        "WHERE NOT EXISTS (SELECT FROM posture_log AS old "
        f"WHERE old.id > {floor} AND old.filename = new.filename) "
        "RETURNING id, filename",
        *(getattr(row, name) for row in rows for name in names),
    )
