"""What one session has written, found in the table by the names of its files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from posture.store.posture_log import PostureLog


@dataclass(frozen=True)
class Stretch:
    """Some neighbouring rows of the table, and which of them are a session's."""

    highest: int
    lowest: int
    """Ids between which all rows were looked at."""
    rows: Sequence[tuple[int, str]]
    """Id and message's key of the session's rows, the newest first."""


# A file's name ends with the message's key and ".jpg". strpos sorts most rows out ten
# times as fast as what counts characters from the end.
_STRETCH = """
SELECT max(id), min(id), array_agg(id ORDER BY id DESC) FILTER (WHERE own),
    array_agg(left(right(filename, 36), 32) ORDER BY id DESC) FILTER (WHERE own)
FROM (
    SELECT id, filename, strpos(filename, '_' || %s) > 0
        AND starts_with(right(filename, 36), %s) AS own
    FROM (
        SELECT id, filename FROM posture_log WHERE id < %s ORDER BY id DESC LIMIT 100000
    ) AS newest
) AS named"""


def newest_of_session(table: PostureLog, mark: str) -> Iterator[Stretch]:
    """The rows of a session, the newest first, down to the beginning of the table.

    Those of messages whose keys begin with `mark`. The table is walked by its primary
    key, so no index is needed, and each step ends soon.

    Raises:
        DatabaseError: the database does not answer.
    """
    top = (1 << 63) - 1
    while True:
        ((highest, lowest, ids, keys),) = table.ask(_STRETCH, mark, mark, top)
        if lowest is None:
            return
        yield Stretch(highest, lowest, list(zip(ids or (), keys or (), strict=True)))
        top = lowest
