"""The page that shows a room's week."""

from datetime import UTC, datetime, timedelta

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from common.errors import OperatorError
from page.office import PLACES, occasions
from page.parts import Page
from page.week import days_shown, hours_shown, monday_of
from page.weeks import read_week

_WEEK = timedelta(days=7)


async def office(page: Page, request: Request) -> Response:
    """The room's week and the one before, without pictures, names or any order."""
    zone = page.settings.zone
    now = datetime.now(UTC)
    try:
        monday = read_week(request.query_params.get("week", ""), zone, now)
    except OperatorError as error:
        return page.show(request, "wrong.html", 400, reason=str(error))
    today = now.astimezone(zone).date()
    weeks = [
        await to_thread.run_sync(page.office.week, each, today)
        for each in (monday, monday - _WEEK)
    ]
    return page.show(
        request,
        "office.html",
        monday=monday,
        before=monday - _WEEK,
        after=monday + _WEEK if monday + _WEEK <= monday_of(today) else None,
        running=monday == monday_of(today),
        weeks=weeks,
        occasions=occasions(weeks[0].room),
        least=PLACES,
        hours=hours_shown(*(each.room for each in weeks)),
        days=days_shown(*(each.room for each in weeks)),
    )
