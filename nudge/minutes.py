"""What each camera saw, minute by minute, from the table."""

from datetime import datetime

from nudge.patience import Minutes
from page.minutes import of_all
from page.rows import Rows

_NEWEST = 500_000  # rows of the table that a look goes through: 200 a second for 40 min


def minutes(
    rows: Rows, start: datetime, end: datetime, newest: int = _NEWEST
) -> dict[str, Minutes]:
    """The minutes from `start` to `end` in which each camera judged somebody.

    Both are aware. Only the `newest` rows are looked at.

    Raises:
        DatabaseAwayError: the database did not answer.
    """
    found: dict[str, dict[int, bool]] = {}
    for each in of_all(rows, start, end, newest):
        if each.judged:
            found.setdefault(each.pi, {})[each.minute] = each.leans
    return dict(found)
