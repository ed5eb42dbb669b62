"""What each camera saw, minute by minute, from the table."""

from datetime import datetime

from nudge.patience import Minutes
from page.rows import Rows
from posture.store.table_shape import LOWEST
from posture.vision.verdict import Status

_NEWEST = 500_000  # rows of the table that a look goes through: 200 a second for 40 min

_STATEMENT = f"""
SELECT pi_id, extract(epoch FROM date_trunc('minute', received_time))::bigint / 60,
    count(*) FILTER (WHERE posture_status = '{Status.BAD}') * 2 > count(*)
FROM posture_log
WHERE received_time >= %s AND received_time < %s AND pi_id IS NOT NULL
    AND posture_status IN ('{Status.GOOD}', '{Status.BAD}')
    AND id > coalesce(
        (SELECT id FROM posture_log ORDER BY id DESC OFFSET %s LIMIT 1),
        {LOWEST}
    )
GROUP BY 1, 2"""  # noqa: S608 - constants


def minutes(
    rows: Rows, start: datetime, end: datetime, newest: int = _NEWEST
) -> dict[str, Minutes]:
    """The minutes from `start` to `end` in which each camera saw somebody.

    Both are aware. Only the `newest` rows are looked at, so that a large table without
    an index costs no more than a small one.

    Raises:
        DatabaseAwayError: the database did not answer.
    """
    bounds = [each.replace(tzinfo=None) for each in (start, end)]
    found: dict[str, dict[int, bool]] = {}
    for pi, minute, bad in rows.ask(_STATEMENT, *bounds, newest):
        found.setdefault(pi, {})[int(minute)] = bad
    return dict(found)
