"""Questions about the past: rows by camera, status and time, and a camera's day.

Fast on large tables with the indexes of deploy/posture_log_page.sql.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from common.errors import OperatorError
from page.rows import FIRST_YEAR, IN_TIME, LAST_YEAR, Rows, StoredRow
from page.timeline import BIN, Bin
from page.words import gettext as _
from posture.vision.advice import Seen, advise
from posture.vision.reason import Reason
from posture.vision.verdict import Status

PAGE = 50  # rows
LAST = 20
"""Pictures by which a camera's place is judged."""
_CHUNK = 5000  # rows of an export at a time
_DIGITS = 18  # of an id


@dataclass(frozen=True)
class Wish:
    """Which rows are asked for; times are aware."""

    pi: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, int] | None = None
    """Time and id of the row after which to go on."""


def read_wish(query: Mapping[str, str], zone: tzinfo | None) -> Wish:
    """The wish that an address or a form says.

    Raises:
        OperatorError: a time is none.
    """
    return Wish(
        pi=query.get("pi", ""),
        status=query.get("status", ""),
        since=_time(query.get("since", ""), zone),
        until=_time(query.get("until", ""), zone),
        before=_place(query.get("before", "")),
    )


def find(rows: Rows, wish: Wish, limit: int = PAGE) -> list[StoredRow]:
    """The newest rows that fit."""
    conditions = [IN_TIME]
    values: list[object] = []
    for condition, value in (
        ("pi_id = %s", wish.pi or None),
        ("posture_status = %s", wish.status or None),
        ("received_time >= %s", utc(wish.since)),
        ("received_time < %s", utc(wish.until)),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if wish.before:
        conditions.append("(received_time, id) < (%s, %s)")
        values += [utc(wish.before[0]), wish.before[1]]
    where = " AND ".join(conditions)
    return rows.rows(
        f"WHERE {where} ORDER BY received_time DESC, id DESC LIMIT %s", *values, limit
    )


def find_all(rows: Rows, wish: Wish) -> Iterator[StoredRow]:
    """Every row that fits, newest first, a chunk at a time."""
    while found := find(rows, wish, _CHUNK):
        yield from found
        wish = replace(wish, before=place_of(found[-1]))


def place_of(row: StoredRow) -> tuple[datetime, int]:
    """Where to go on after this row."""
    return row.received_time or datetime.min.replace(tzinfo=UTC), row.id


def day(rows: Rows, pi: str, begin: datetime, end: datetime) -> list[Bin]:
    """What a camera saw of somebody from `begin` to `end`, in bins that are not empty.

    When nobody was there is not told: that would be a record of presence.
    """
    bins: dict[int, Bin] = {}
    for number, status, count, neck, body, measured in rows.ask(
        "SELECT floor(date_part('epoch', received_time - %s) / %s)::int, "
        "coalesce(posture_status, ''), count(*), sum(neck_angle)::float, "
        "sum(body_angle)::float, count(neck_angle) FROM posture_log "
        "WHERE pi_id = %s AND received_time >= %s AND received_time < %s "
        "AND posture_status IS DISTINCT FROM %s GROUP BY 1, 2",
        utc(begin),
        BIN,
        pi,
        utc(begin),
        utc(end),
        Status.NONE,
    ):
        one = bins.setdefault(number, Bin(number))
        one.add(status, count, neck or 0.0, body or 0.0, measured)
    return sorted(bins.values(), key=lambda each: each.number)


def reasons(rows: Rows, pi: str, begin: datetime, end: datetime) -> Counter[str]:
    """Why nobody was judged from `begin` to `end`, where the table says so."""
    if not rows.has_reasons():
        return Counter()
    found = rows.ask(
        "SELECT reason, count(*) FROM posture_log WHERE pi_id = %s AND "
        "received_time >= %s AND received_time < %s AND reason IS NOT NULL "
        "AND reason <> %s GROUP BY 1",
        pi,
        utc(begin),
        utc(end),
        Reason.NOBODY,
    )
    return Counter(dict(found))


def advice_on(pi: str, rows: Sequence[StoredRow]) -> str:
    """What to do about a camera, by its newest rows; empty while most are judged."""
    last = [
        Seen(row.reason, row.yaw)
        for row in rows
        if row.reason or row.neck_angle is not None
    ]
    return advise(pi, last, _)


def read_day(
    text: str, zone: tzinfo | None, now: datetime
) -> tuple[datetime, datetime]:
    """Begin and end of the day that `text` names, of today when it names none.

    Raises:
        OperatorError: it is no day.
    """
    try:
        first = datetime.fromisoformat(text) if text else now.astimezone(zone)
        first = datetime(first.year, first.month, first.day)  # noqa: DTZ001 - set next
        return local(first, zone), local(first + timedelta(days=1), zone)
    except (ValueError, OverflowError, OSError):
        raise OperatorError(
            _("%(text)s is no day: write 2026-11-25.") % {"text": text[:40]}
        ) from None


def _time(text: str, zone: tzinfo | None) -> datetime | None:
    try:
        return local(datetime.fromisoformat(text), zone) if text else None
    except (ValueError, OverflowError, OSError):
        raise OperatorError(
            _("%(text)s is no time: write 2026-11-25T14:30.") % {"text": text[:40]}
        ) from None


def local(moment: datetime, zone: tzinfo | None) -> datetime:
    """A time by the clock of `zone`, None for this machine's, as an aware one.

    Raises:
        OverflowError, OSError: it is at the very end of what times there are.
    """
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise OverflowError(moment.year)
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)  # without a zone: that of this machine


def utc(moment: datetime | None) -> datetime | None:
    """As the table has it: UTC without a zone."""
    return moment and moment.astimezone(UTC).replace(tzinfo=None)


def _place(text: str) -> tuple[datetime, int] | None:
    time, _tilde, number = text.rpartition("~")
    try:
        # A longer id fits into no bigint.
        known = number.isascii() and number.isdigit() and len(number) <= _DIGITS
        place = (
            (local(datetime.fromisoformat(time), UTC), int(number)) if known else None
        )
    except (ValueError, OverflowError):
        place = None
    if text and place is None:
        raise OperatorError(_("This address is not one of this page."))
    return place
