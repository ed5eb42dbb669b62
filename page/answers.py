"""What the page answers about now: cameras, pictures, news, styles."""

from asyncio import gather
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from page.board import SILENT
from page.demand import demand_of
from page.files import read_picture, read_quarantine
from page.metrics import look
from page.nodes import placement_of
from page.parts import Page
from page.rows import StoredRow
from page.words import gettext as _

_FOLDER = Path(__file__).parent / "static"
_DIGITS = 18  # of an id: all of these fit into a bigint
_STATIC = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "send.js": "text/javascript",
    "desk.js": "text/javascript",
    "words.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


async def cameras(page: Page, request: Request) -> Response:
    """The cameras as tiles, so many a page, and those that are silent."""
    board, part = page.board, request.query_params.get("from", "")
    now = datetime.now(UTC)
    return page.show(
        request,
        "cameras.html",
        tiles=board.part(part, now),
        silent=board.silent(now)[:SILENT],
        part=part,
        parts=board.parts(now),
    )


async def live(page: Page, request: Request) -> Response:
    """What changes, as it changes, until the visitor's login ends."""
    part = request.query_params.get("from", "")
    only = request.query_params.get("only")

    async def messages() -> AsyncIterator[str]:
        async for message in page.feed.messages(part, only):
            if not page.visitors.admits(request):
                return
            yield message

    return StreamingResponse(messages(), media_type="text/event-stream")


async def picture(page: Page, request: Request) -> Response:
    """The annotated picture of a row."""
    text = request.path_params["number"]
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        return PlainTextResponse("There is no such picture.\n", 404)
    number = int(text)
    row = page.board.find(number)
    if row is None:
        row = await to_thread.run_sync(page.rows.one, number)
    file = await to_thread.run_sync(_read, page, row) if row else None
    if file is None:
        return PlainTextResponse("There is no such picture.\n", 404)
    # Never another picture under the same number; but it may be deleted.
    headers = {"Cache-Control": "private, max-age=300"}
    return Response(file, media_type="image/jpeg", headers=headers)


def _read(page: Page, row: StoredRow) -> bytes | None:
    return read_picture(page.settings.pictures, row.pi_id, row.filename)


async def static(_page: Page, request: Request) -> Response:
    """Styles and script."""
    name = request.path_params["name"]
    if name not in _STATIC:
        return PlainTextResponse("There is no such file.\n", 404)
    content = (_FOLDER / name).read_bytes()
    headers = {"Cache-Control": "no-cache"}
    return Response(content, media_type=_STATIC[name], headers=headers)


async def missing(page: Page, request: Request) -> Response:
    """That there is no such page, with the way to those that are."""
    reason = _("There is no page at %(path)s.") % {"path": request.url.path[:100]}
    return page.show(request, "missing.html", 404, reason=reason)


async def health(page: Page, _request: Request) -> Response:
    """Whether results come: 503 without a database, or while none are made."""
    if trouble := page.links.trouble():
        return PlainTextResponse(f"{trouble}\n", 503)
    return PlainTextResponse("ok\n")


async def why(page: Page, request: Request) -> Response:
    """Which link between the cameras and this page is broken, and what to do."""
    return page.show(request, "why.html")


async def alive(_page: Page, _request: Request) -> Response:
    """That the page answers: it does while the database is away, and then says so."""
    return PlainTextResponse("ok\n")


async def system(page: Page, request: Request) -> Response:
    """Nodes and the choice, what comes in and waits, errors, what was refused."""
    settings = page.settings
    watcher, scaler = await gather(
        to_thread.run_sync(look, settings.placement_url, placement_of),
        to_thread.run_sync(look, settings.scaler_url, demand_of),
    )
    kept, refused = await to_thread.run_sync(read_quarantine, settings.quarantine)
    return page.show(
        request,
        "system.html",
        watcher=watcher,
        scaler=scaler,
        minute=page.board.last_minute(),
        cameras=len(page.board.names),
        kept=kept,
        refused=refused,
    )
