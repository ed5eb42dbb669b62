"""Rows of `posture_log`, found by age or by camera and period, and deleted.

The table is walked by its primary key in stretches of a few thousand rows, each a
transaction of its own: no index is needed, nothing is locked for longer than a moment,
and a run that was cut short is simply run again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from common.postgres import DatabaseError
from posture.store.kept_files import Period
from posture.store.posture_log import PostureLog

_STRETCH = 5_000  # rows that are looked at in one transaction
_NEXT = (
    "SELECT max(id) FROM (SELECT id FROM posture_log WHERE id > %s "
    "ORDER BY id LIMIT %s) AS next"
)
_HERE = "FROM posture_log WHERE id > %s AND id <= %s"
_OLD = f"{_HERE} AND received_time < %s"
_DELETE_OLD = f"WITH gone AS (DELETE {_OLD} RETURNING 1) SELECT count(*) FROM gone"  # noqa: S608
_OF_CAMERA = f"{_HERE} AND pi_id = %s AND received_time >= %s AND received_time < %s"
_RIGHTS = (
    "SELECT has_table_privilege('posture_log', 'DELETE') AND bool_and("
    "has_column_privilege('posture_log', name, 'SELECT')) FROM "
    "unnest(ARRAY['id', 'pi_id', 'filename', 'received_time']) AS name"
)


@dataclass(frozen=True)
class Kept:
    """A row, as far as it matters here."""

    id: int
    filename: str | None


class KeptRows:
    """The rows that there are."""

    def __init__(self, table: PostureLog) -> None:
        self._table = table

    def check_rights(self) -> None:
        """Make sure that this user may find and delete rows, before anything is gone.

        Raises:
            DatabaseError: it may not.
        """
        if not self._table.ask(_RIGHTS)[0][0]:
            raise DatabaseError(
                "this user may not delete rows: run deploy/posture_keeper.sql and set "
                "SUPABASE_USER=posture_keeper"
            )

    def count_before(self, moment: datetime) -> int:
        """How many rows are older."""
        return sum(
            self._table.ask(f"SELECT count(*) {_OLD}", *where, _plain(moment))[0][0]
            for where in self._stretches()
        )

    def delete_before(self, moment: datetime) -> int:
        """Delete the rows that are older; gives how many."""
        return sum(
            self._table.ask(_DELETE_OLD, *where, _plain(moment))[0][0]
            for where in self._stretches()
        )

    def of_camera(self, pi: str, period: Period) -> Iterator[list[Kept]]:
        """The rows of one camera from that time, a few at a time."""
        times = (_plain(period.since), _plain(period.until))
        for where in self._stretches():
            found = self._table.ask(
                f"SELECT id, filename {_OF_CAMERA} ORDER BY id", *where, pi, *times
            )
            if found:
                yield [Kept(*each) for each in found]

    def delete(self, rows: list[Kept]) -> None:
        """Delete these rows.

        Raises:
            DatabaseError: not deleted, or not all of them.
        """
        numbers = [each.id for each in rows]
        self._table.ask(
            "WITH gone AS (DELETE FROM posture_log WHERE id = ANY(%s) RETURNING 1) "
            "SELECT count(*) FROM gone",
            numbers,
        )
        ((left,),) = self._table.ask(
            "SELECT count(*) FROM posture_log WHERE id = ANY(%s)", numbers
        )
        if left:
            raise DatabaseError(
                f"{left} rows are still there: row-level security keeps this user from "
                "deleting them (deploy/posture_keeper.sql)"
            )

    def any_since(self, pi: str, moment: datetime) -> bool:
        """Whether there is a row of this camera from then on."""
        return bool(
            self._table.ask(
                "SELECT 1 FROM posture_log WHERE pi_id = %s AND received_time >= %s "
                "LIMIT 1",
                pi,
                _plain(moment),
            )
        )

    def named(self, pi: str, filenames: list[str]) -> set[str]:
        """Which of these files a row of this camera names."""
        found = self._table.ask(
            "SELECT filename FROM posture_log WHERE pi_id = %s AND filename = ANY(%s)",
            pi,
            filenames,
        )
        return {name for (name,) in found}

    def _stretches(self) -> Iterator[tuple[int, int]]:
        last = self._table.ask("SELECT min(id) - 1 FROM posture_log")[0][0]
        while last is not None:
            ((end,),) = self._table.ask(_NEXT, last, _STRETCH)
            if end is not None:
                yield last, end
            last = end


def _plain(moment: datetime) -> datetime:
    """As the table has it: UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
