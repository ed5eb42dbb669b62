"""What a table must be like so that rows stay what they are, and can go on coming."""

from common.postgres import Connection, DatabaseError
from common.postgres_words import SET_NUMBERS

LOWEST = -(1 << 63)  # below every id

SWALLOWED = (
    "the table posture_log takes a row and does not have it: a trigger, a rule or "
    "row-level security keeps it back or changes its filename"
)
_TYPES = {
    "id": ("smallint", "integer", "bigint"),
    "received_time": ("timestamp without time zone", "timestamp with time zone"),
    "analyzed_time": ("timestamp without time zone", "timestamp with time zone"),
}
_LARGEST = {"smallint": (1 << 15) - 1, "integer": (1 << 31) - 1}
_FEW = 10  # a tenth of all ids left is time to do something


def check(connection: Connection, number: int) -> tuple[bool, list[str]]:
    """Whether later rows have larger ids, and what is to be said of the table.

    `number` is an id that a row would have got just now.

    Raises:
        DatabaseError: a column cannot hold what it is for.
    """
    types = dict(
        connection.ask(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
            "WHERE attrelid = 'posture_log'::regclass AND attnum > 0"
        )
    )
    for column, good in _TYPES.items():
        if types.get(column) not in good:
            raise DatabaseError(
                f"posture_log.{column} is {types.get(column)}: make it "
                f"{' or '.join(good)}, see deploy/posture_log.sql",
                "42804",
            )
    return _numbers(connection, types["id"], number)


def _numbers(connection: Connection, kind: str, number: int) -> tuple[bool, list[str]]:
    found = connection.ask(
        "SELECT seqincrement, seqmax, seqcache, seqcycle, "
        "(SELECT coalesce(max(id), 0) FROM posture_log) FROM pg_sequence "
        "WHERE seqrelid = to_regclass(pg_get_serial_sequence('posture_log', 'id'))"
    )
    if not found:  # ids from elsewhere, of which nothing is known
        return False, []
    ((step, last, block, round_again, newest),) = found
    last = min(last, _LARGEST.get(kind, last))
    said = []
    if step > 0 and last - number < last // _FEW:
        said.append(
            f"posture_log has room for {(last - number) // step} more rows, then its "
            "ids end: see deploy/posture_log_bigint.sql"
        )
    if newest > number:
        said.append(
            f"posture_log has a row with id {newest}, but the next one gets "
            f"{number + step}: where they meet, rows are refused until you run "
            + SET_NUMBERS
        )
    return step > 0 and block == 1 and not round_again, said
