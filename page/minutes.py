"""What cameras saw, minute by minute: the one statement behind weeks and nudges."""

from dataclasses import dataclass
from datetime import datetime

from page.history import utc
from page.rows import Rows
from posture.store.table_shape import LOWEST
from posture.vision.verdict import Status

_COUNTED = f"""
SELECT pi_id, floor(date_part('epoch', received_time) / 60)::bigint,
    count(*) FILTER (WHERE posture_status = '{Status.GOOD}'),
    count(*) FILTER (WHERE posture_status = '{Status.BAD}'),
    count(*) FILTER (WHERE posture_status = '{Status.PARTIAL}')
FROM posture_log
WHERE received_time >= %s AND received_time < %s
    AND posture_status <> '{Status.NONE}'"""  # noqa: S608 - constants
_OF_ONE = " AND pi_id = %s"
_NEWEST = f""" AND pi_id IS NOT NULL AND id > coalesce(
    (SELECT id FROM posture_log ORDER BY id DESC OFFSET %s LIMIT 1), {LOWEST})"""  # noqa: S608
_BY_MINUTE = " GROUP BY 1, 2 ORDER BY 1, 2"
_QUARTERS = f"""
SELECT pi_id, minute / 15, count(*), count(*) FILTER (WHERE bad > good)
FROM ({_COUNTED} AND pi_id IS NOT NULL GROUP BY 1, 2)
    AS counted (pi_id, minute, good, bad, unclear)
WHERE good + bad > 0 GROUP BY 1, 2"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class Counted:
    """A minute in which a camera saw somebody: how many pictures, by verdict."""

    pi: str
    minute: int
    """Since 1970, UTC."""
    good: int
    bad: int
    unclear: int
    """Somebody was there who could not be judged."""

    @property
    def judged(self) -> bool:
        """Some picture has a verdict."""
        return self.good + self.bad > 0

    @property
    def leans(self) -> bool:
        """Most of the pictures with a verdict are bad."""
        return self.bad > self.good


def of_one(rows: Rows, pi: str, begin: datetime, end: datetime) -> list[Counted]:
    """The minutes of one camera from `begin` to `end`, both aware.

    Raises:
        DatabaseAwayError: the database did not answer.
    """
    found = rows.ask(_COUNTED + _OF_ONE + _BY_MINUTE, utc(begin), utc(end), pi)
    return [Counted(*row) for row in found]


def of_all(rows: Rows, begin: datetime, end: datetime, newest: int) -> list[Counted]:
    """Those of all cameras, from the `newest` rows of the table.

    So a large table without an index costs no more than a small one.

    Raises:
        DatabaseAwayError: the database did not answer.
    """
    found = rows.ask(_COUNTED + _NEWEST + _BY_MINUTE, utc(begin), utc(end), newest)
    return [Counted(*row) for row in found]


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of an hour of one camera: its judged minutes."""

    pi: str
    number: int
    """Since 1970, UTC. No zone's hours begin within a quarter."""
    judged: int
    leaning: int


def quarters(rows: Rows, begin: datetime, end: datetime) -> list[Quarter]:
    """The judged quarters of all cameras from `begin` to `end`, both aware.

    Raises:
        DatabaseAwayError: the database did not answer.
    """
    return [Quarter(*row) for row in rows.ask(_QUARTERS, utc(begin), utc(end))]
