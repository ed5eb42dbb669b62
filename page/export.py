"""Rows for other programs: every column of the table, as CSV or Parquet.

Times are UTC and always have six places behind the second: a program that guesses the
form of a column by its first rows would otherwise fall over a whole second.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from itertools import islice
from pathlib import Path
from typing import Any

from common.errors import OperatorError
from page.history import Wish
from page.rows import StoredRow

COLUMNS = {
    "id": "int64",
    "pi_id": "string",
    "filename": "string",
    "received_time": "time",
    "analyzed_time": "time",
    "neck_angle": "int32",
    "body_angle": "int32",
    "posture_status": "string",
    "landmarks_detected": "bool_",
    "processed_by": "string",
    "view": "string",
    "reason": "string",
    "yaw": "int32",
}
"""Those of the table, the optional ones last, with their types in a Parquet file."""

_AT_ONCE = 500  # rows
_GROUP = 50_000  # rows of a Parquet file that are read together
_FORMULA = tuple("=+-@")


def file_name(wish: Wish, zone: tzinfo | None, ending: str) -> str:
    """What a file of these rows is called, such as posture_desk3_2026-10.csv."""
    camera = re.sub(r"[^A-Za-z0-9.-]+", "-", wish.pi) or "all"
    return "_".join(["posture", camera, *_period(wish, zone)]) + f".{ending}"


def _period(wish: Wish, zone: tzinfo | None) -> Iterator[str]:
    """A month or a day by its name, else its first and last day."""
    since = wish.since and wish.since.astimezone(zone)
    until = wish.until and wish.until.astimezone(zone)
    if not (since and until):
        if since:
            yield f"from-{since.date()}"
        if until:
            yield f"to-{until.date()}"
        return
    last = (until - timedelta(microseconds=1)).date()
    if _begins_month(since) and _begins_month(until) and until - since < _MONTH:
        yield f"{since:%Y-%m}"
    elif since.date() == last:
        yield f"{last}"
    else:
        yield f"{since.date()}_{last}"


_MONTH = timedelta(days=32)


def _begins_month(moment: datetime) -> bool:
    return moment.day == 1 and moment.time() == datetime.min.time()


def as_csv(rows: Iterable[StoredRow]) -> Iterator[str]:
    """The rows as text, some hundred lines at a time, after a line of names."""
    left = iter(rows)
    yield _lines([list(COLUMNS)])
    while some := list(islice(left, _AT_ONCE)):
        yield _lines([[_cell(value) for value in _values(row)] for row in some])


def write_parquet(rows: Iterable[StoredRow], path: Path) -> int:
    """Write the rows as a Parquet file; gives how many.

    Raises:
        OperatorError: the package for it is not installed.
        OSError: it cannot be written.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise OperatorError(
            "Parquet needs pyarrow: pip install -r requirements-data.txt, or "
            "pipx inject posture-analyzer pyarrow"
        ) from None
    schema = arrow.schema(
        (name, _arrow_type(arrow, kind)) for name, kind in COLUMNS.items()
    )
    left, count = iter(rows), 0
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while some := list(islice(left, _GROUP)):
            columns = zip(*map(_values, some), strict=True)
            cells = [[None if v == "" else v for v in column] for column in columns]
            writer.write_table(arrow.table(cells, schema=schema))
            count += len(some)
    return count


def _arrow_type(arrow: Any, kind: str) -> Any:  # noqa: ANN401 - published without types
    if kind == "time":
        return arrow.timestamp("us", tz="UTC")
    return getattr(arrow, kind)()


def _values(row: StoredRow) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in COLUMNS)


def _lines(rows: Iterable[Iterable[object]]) -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, bool):
        return str(value).lower()
    return _harmless(value) if isinstance(value, str) else value


def _harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    What it may leave out in front does not count (spaces, line breaks, marks that
    cannot be seen), and neither does the width of a sign.
    """
    begin = next(
        (sign for sign in text if unicodedata.category(sign)[0] not in "CZ"), ""
    )
    plain = unicodedata.normalize("NFKC", begin)
    odd = text[:1] != begin  # something that cannot be seen stands in front
    return f"'{text}" if odd or plain.startswith(_FORMULA) else text
