"""What the page answers about the past: a camera's view, the table, the export."""

from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from common.errors import OperatorError
from page import history
from page.board import Tile
from page.export import as_csv, file_name
from page.history import Wish
from page.parts import Page

_SUGGESTED = 1000  # cameras offered where one is typed


async def view(page: Page, request: Request) -> Response:
    """Whether a camera stands where its pictures can be judged: the newest of them."""
    pi = request.query_params.get("pi", "")
    newest = await to_thread.run_sync(
        history.find, page.rows, Wish(pi=pi), history.LAST
    )
    if not newest and not page.board.knows(pi):
        return page.show_unknown(request, pi)
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
        query["pi"] = page.board.name_of(query.get("pi", ""))
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
