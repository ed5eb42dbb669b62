"""What each address of the page answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from anyio import to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)

from page import board as boards
from page.board import Board, Tile
from page.files import read_picture
from page.live import Feed
from page.rows import Row, Rows
from page.sender import Sender
from page.settings import PageSettings

_HERE = Path(__file__).parent
_STATIC = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


class Page:
    """Everything that the answers are made from."""

    def __init__(self, settings: PageSettings) -> None:
        self.settings = settings
        self.rows = Rows(settings.database)
        self.board = Board()
        self.feed = Feed(self.rows, self.board, self.draw_tile)
        self.sender = Sender(settings.broker, settings.max_picture_mb << 20)
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,  # names and statuses come from anybody
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"time": self._time, "stamp": _stamp}
        self._templates.globals |= {"kind": boards.kind_of, "words": boards.words_of}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the table meanwhile."""
        following = asyncio.create_task(self.feed.follow())
        try:
            yield
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
            self.sender.close()

    def draw_tile(self, tile: Tile) -> str:
        """The HTML of one camera."""
        return self._templates.get_template("tile.html").render(tile=tile)

    def show(
        self, request: Request, name: str, status: int = 200, **values: object
    ) -> Response:
        """An answer from a template."""
        visitors = request.state.visitors
        html = self._templates.get_template(name).render(
            token=visitors.token(request),
            login=visitors.login is not None,
            path=request.url.path,
            trouble=self.feed.trouble,
            now=datetime.now(UTC).timestamp(),
            **values,
        )
        return HTMLResponse(html, status)

    def _time(self, moment: datetime | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        if moment is None:
            return "-"
        return moment.astimezone(self.settings.zone).strftime(form)


def _stamp(moment: datetime | None) -> str:
    """Seconds since 1970, for the script that shows ages."""
    return f"{moment.timestamp():.3f}" if moment else ""


async def cameras(page: Page, request: Request) -> Response:
    """All cameras as tiles."""
    return page.show(request, "cameras.html", tiles=page.board.tiles())


async def live(page: Page, _request: Request) -> Response:
    """What changes, as it changes."""
    return StreamingResponse(page.feed.messages(), media_type="text/event-stream")


async def picture(page: Page, request: Request) -> Response:
    """The annotated picture of a row."""
    number = request.path_params["number"]
    row = page.board.find(number)
    if row is None:
        row = await to_thread.run_sync(page.rows.one, number)
    file = await to_thread.run_sync(_read, page, row) if row else None
    if file is None:
        return PlainTextResponse("There is no such picture.\n", 404)
    # Never another picture under the same number; but it may be deleted.
    headers = {"Cache-Control": "private, max-age=300"}
    return Response(file, media_type="image/jpeg", headers=headers)


def _read(page: Page, row: Row) -> bytes | None:
    return read_picture(page.settings.pictures, row.pi, row.filename)


async def static(_page: Page, request: Request) -> Response:
    """Styles and script."""
    name = request.path_params["name"]
    if name not in _STATIC:
        return PlainTextResponse("There is no such file.\n", 404)
    content = (_HERE / "static" / name).read_bytes()
    headers = {"Cache-Control": "no-cache"}
    return Response(content, media_type=_STATIC[name], headers=headers)


async def health(page: Page, _request: Request) -> Response:
    """Whether the page works: 503 while the database is away."""
    if page.feed.trouble:
        return PlainTextResponse("The database is away.\n", 503)
    return PlainTextResponse("ok\n")
