"""What the page answers about the past: a camera's day, the table, the export."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from common.errors import OperatorError
from page import history, timeline
from page.board import Tile
from page.export import as_csv, file_name
from page.history import Wish
from page.parts import Page
from page.words import gettext as _
from posture.vision.advice import short

_LAST = 20  # pictures by which a camera's place is judged
_SUGGESTED = 1000  # cameras offered where one is typed


async def camera(page: Page, request: Request) -> Response:
    """One camera's day."""
    pi, zone = request.query_params.get("pi", ""), page.settings.zone
    try:
        asked = request.query_params.get("day", "")
        begin, end = history.read_day(asked, zone, datetime.now(UTC))
    except OperatorError as error:
        return page.show(request, "wrong.html", 400, reason=str(error))
    bins = await to_thread.run_sync(history.day, page.rows, pi, begin, end)
    if not bins and not page.board.knows(pi):
        reason = _(
            "There is no camera called %(name)s, or it has sent nothing for long."
        ) % {"name": repr(pi[:100])}
        return page.show(request, "wrong.html", 404, reason=reason)
    reasons = await to_thread.run_sync(history.reasons, page.rows, pi, begin, end)
    newest = await to_thread.run_sync(history.find, page.rows, Wish(pi=pi), _LAST)
    noon = (begin + timedelta(hours=12)).astimezone(zone)
    return page.show(
        request,
        "camera.html",
        pi=pi,
        tiles=page.board.tiles([pi]),
        day=noon.date(),
        before=noon.date() - timedelta(days=1),
        after=noon.date() + timedelta(days=1),
        width=(end - begin).total_seconds() / timeline.BIN * timeline.WIDTH,
        boxes=timeline.boxes(bins),
        neck=timeline.curve(bins, "neck"),
        body=timeline.curve(bins, "body"),
        hours=timeline.hours(bins),
        kinds=sum((each.kinds for each in bins), Counter[str]()),
        reasons=[(short(reason, _), count) for reason, count in reasons.most_common()],
        advice=history.advice_on(pi, newest),
        good=timeline.share_good(sum((each.kinds for each in bins), Counter())),
    )


async def view(page: Page, request: Request) -> Response:
    """Whether a camera stands where its pictures can be judged: the newest of them."""
    pi = request.query_params.get("pi", "")
    newest = await to_thread.run_sync(history.find, page.rows, Wish(pi=pi), _LAST)
    return page.show(
        request,
        "view.html",
        pi=pi,
        rows=[Tile(row) for row in newest],
        judged=sum(row.neck_angle is not None for row in newest),
        advice=history.advice_on(pi, newest),
        told=await to_thread.run_sync(page.rows.has_reasons),
    )


async def table(page: Page, request: Request) -> Response:
    """The rows that fit a wish, a page at a time."""
    query = dict(request.query_params)
    try:
        wish = history.read_wish(query, page.settings.zone)
    except OperatorError as error:
        return page.show(request, "wrong.html", 400, reason=str(error))
    found = await to_thread.run_sync(history.find, page.rows, wish, history.PAGE + 1)
    shown = found[: history.PAGE]
    older = None
    if len(found) > len(shown):
        time, number = history.place_of(shown[-1])
        older = _address("/table", query | {"before": f"{time.isoformat()}~{number}"})
    return page.show(
        request,
        "table.html",
        query=query,
        rows=[Tile(row) for row in shown],
        cameras=page.board.names[:_SUGGESTED],
        older=older,
        newest=_address("/table", query | {"before": ""}) if wish.before else None,
        export=_address("/table.csv", query | {"before": ""}),
    )


async def export(page: Page, request: Request) -> Response:
    """All rows that fit a wish, as CSV."""
    try:
        wish = history.read_wish(request.query_params, page.settings.zone)
    except OperatorError as error:
        return page.show(request, "wrong.html", 400, reason=str(error))
    # The first row is fetched before anything is sent: a failure can still be said.
    await to_thread.run_sync(history.find, page.rows, wish, 1)
    name = file_name(wish, page.settings.zone, "csv")
    return StreamingResponse(
        as_csv(history.find_all(page.rows, wish)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _address(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode({k: v for k, v in query.items() if v})}"
