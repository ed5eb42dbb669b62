"""What the table holds of a place's week, and the page that shows it."""

from asyncio import gather
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from common.errors import OperatorError
from page import history
from page.history import local
from page.minutes import Counted, of_one
from page.parts import Page
from page.rows import Rows
from page.week import (
    Minute,
    Seen,
    days_shown,
    duration,
    hours_shown,
    monday_of,
    occasions,
    verdict,
    week_of,
)
from page.words import gettext as _
from posture.vision.advice import short

_WEEK = timedelta(days=7)


def _seen(found: list[Counted], zone: tzinfo | None) -> Seen:
    """What a camera saw of somebody in these minutes."""
    return Seen(
        list(_judged(found, zone)),
        sum(each.good + each.bad for each in found),
        sum(each.unclear for each in found),
    )


def _judged(found: list[Counted], zone: tzinfo | None) -> Iterator[Minute]:
    for each in found:
        if each.judged:
            when = datetime.fromtimestamp(each.minute * 60, UTC).astimezone(zone)
            yield Minute(when, each.leans)


def read_week(text: str, zone: tzinfo | None, now: datetime) -> date:
    """The Monday of the week that `text` names, of this one when it names none.

    Raises:
        OperatorError: it is no week.
    """
    try:
        day = date.fromisoformat(text) if text else now.astimezone(zone).date()
        monday = monday_of(day)
        local(_midnight(monday - _WEEK), zone)
        local(_midnight(monday + _WEEK), zone)
    except (ValueError, OverflowError):
        raise OperatorError(
            _("%(text)s is no week: write its first day, such as 2026-11-23.")
            % {"text": text[:40]}
        ) from None
    return monday


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


async def week(page: Page, request: Request) -> Response:
    """A place's week beside the same days of the week before."""
    pi, asked = (request.query_params.get(name, "") for name in ("pi", "week"))
    values = await week_values(page, pi, asked)
    seen = values["week"].judged or values["last"].judged
    if not (seen or page.board.knows(pi)):
        return page.show_unknown(request, pi)
    return page.show(request, "week.html", **values)


async def week_values(page: Page, pi: str, asked: str) -> dict[str, Any]:
    """What the templates of a week show of a place; `asked` names the week.

    Raises:
        OperatorError: it names none.
    """
    zone, now = page.settings.zone, datetime.now(UTC)
    monday = read_week(asked, zone, now)
    # Side by side: without an index each reads the whole table.
    (this, last), reasons = await gather(
        to_thread.run_sync(both, page.rows, pi, monday, zone, now),
        to_thread.run_sync(_reasons, page.rows, pi, monday, zone),
    )
    weeks = week_of(this.minutes), week_of(last.minutes)
    running = monday == monday_of(now.astimezone(zone).date())
    return {
        "pi": pi,
        "monday": monday,
        "before": monday - _WEEK,
        "after": None if running else monday + _WEEK,
        "weeks": list(zip(_names(running=running), weeks, strict=True)),
        "week": weeks[0],
        "last": weeks[1],
        "seen": this,
        "reasons": reasons,
        "verdict": verdict(*weeks),
        "occasions": occasions(weeks[0]),
        "judged": duration(timedelta(minutes=weeks[0].judged)),
        "longest": duration(weeks[0].longest[0]),
        "hours": hours_shown(*(each.cells for each in weeks)),
        "days": days_shown(*(each.cells for each in weeks)),
    }


def _reasons(
    rows: Rows, pi: str, monday: date, zone: tzinfo | None
) -> list[tuple[str, int]]:
    """Why pictures of the week were not judged, in words, the most frequent first."""
    begin, end = (local(_midnight(each), zone) for each in (monday, monday + _WEEK))
    found = history.reasons(rows, pi, begin, end)
    return [(short(reason, _), count) for reason, count in found.most_common()]


def _names(*, running: bool) -> tuple[str, str]:
    if running:
        return _("This week"), _("The week before, same days")
    return _("The week"), _("The week before")


def both(
    rows: Rows, pi: str, monday: date, zone: tzinfo | None, now: datetime
) -> tuple[Seen, Seen]:
    """The week as far as it has come, and the same days of the one before."""
    begin = local(_midnight(monday), zone)
    end = min(local(_midnight(monday + _WEEK), zone), now)
    # By the clock of the place, so that a week with a change of clocks is right.
    clock = end.astimezone(zone).replace(tzinfo=None)
    start_before = local(_midnight(monday - _WEEK), zone)
    end_before = local(clock - _WEEK, zone)
    # One question for both: without an index each reads the whole table.
    found = of_one(rows, pi, start_before, end)
    first, last = (int(each.timestamp() // 60) for each in (begin, end_before))
    return (
        _seen([each for each in found if each.minute >= first], zone),
        _seen([each for each in found if each.minute < last], zone),
    )
