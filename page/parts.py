"""Everything that the answers are made from."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from page import dates, words
from page.arrivals import Arrivals
from page.board import Board, Tile, kind_of, words_of
from page.desk_links import DeskLinks
from page.limits import DeskLimits, Limit
from page.links import Links
from page.live import Feed
from page.notice import notice
from page.office_weeks import Office
from page.rows import Rows
from page.script_words import script_words
from page.sender import Sender
from page.settings import PageSettings
from page.telemetry import Telemetry
from page.uploads import Uploads
from page.visitors import Visitors
from page.why import first_broken
from page.words import gettext as _
from posture.vision.verdict import Status

log = logging.getLogger(__name__)

_PICTURES = 100  # that browsers may send in ten seconds
_WORDS = 10  # of the database in a minute
_BEAT, _STILL = 1.0, 30.0  # seconds between signs of life, and without any
_TEMPLATES = Path(__file__).parent / "templates"


class Page:
    """Settings, doors, and what is known of the cameras."""

    def __init__(self, settings: PageSettings) -> None:
        """Prepare; nothing is connected yet.

        Raises:
            OperatorError: others could reach the page without a password.
        """
        self.settings = settings
        self._beat = time.monotonic()
        self.visitors = Visitors(settings)
        self.rows = Rows(settings.database)
        self.board = Board()
        self.office = Office(self.rows, settings.zone)
        self.telemetry = Telemetry()
        self.feed = Feed(
            *(self.rows, self.board, self.draw_tile, self.draw_silent),
            *(self.draw_numbers, self.telemetry),
        )
        arrivals = Arrivals(settings.broker, settings.topics)
        self.links = Links(self.board, self.feed, arrivals, settings.quarantine)
        self.telemetry.watch(lambda: self.feed.trouble, settings.quarantine)
        self.sender = Sender(
            settings.broker, settings.topics, settings.max_picture_mb << 20
        )
        self.desks = DeskLinks(settings.desk)
        self.desk_limits = DeskLimits()
        self.asked: dict[str, dict[str, datetime | None]] = {}
        """Until when a desk asked for a pause, or no nudges, since this page began."""
        self.uploads = Uploads(self.sender.limit)
        self.pictures_limit = Limit(_PICTURES, 10)
        self.words_limit = Limit(_WORDS, 60)
        """How often the log has what the database said to a visitor."""
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,  # names and statuses come from anybody
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._templates.install_gettext_callables(  # type: ignore[attr-defined]
            words.gettext, words.ngettext, newstyle=True
        )
        self._templates.filters |= {
            "time": self._time,
            "moment": self._moment,
            "day": dates.day_words,
            "stamp": _stamp,
        }
        self._templates.globals |= {
            "kind": kind_of,
            "words": words_of,
            "way": self.links.chain,
            "first_broken": first_broken,
            "STATUSES": tuple(Status),
            "LANGUAGES": words.LANGUAGES,
        }

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the table meanwhile."""
        works = self.feed.follow(), self.links.watch(), self._go()
        tasks = [asyncio.create_task(each) for each in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            self.uploads.thread.shutdown(wait=False, cancel_futures=True)
            self.sender.close()

    async def _go(self) -> None:
        """Show that the event loop goes on."""
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(_BEAT)

    def standstill(self) -> str | None:
        """What only a new start would mend: nobody has been answered for long."""
        silent = time.monotonic() - self._beat
        return f"it has stood still for {silent:.0f} s" if silent > _STILL else None

    def tell_operator(self, words: str) -> None:
        """Have in the log what a visitor is not told, but not without end."""
        if self.words_limit.allows():
            log.warning("%s", words)

    def draw_tile(self, tile: Tile) -> str:
        """The HTML of one camera."""
        return self._templates.get_template("tile.html").render(tile=tile)

    def draw_silent(self, tile: Tile) -> str:
        """The HTML of one camera that is silent."""
        return self._templates.get_template("silent.html").render(tile=tile)

    def draw_numbers(self) -> str:
        """The HTML of the figures above the tiles."""
        now = datetime.now(UTC)
        upright, seen = self.board.share_upright(now)
        return self._templates.get_template("numbers.html").render(
            cameras=len(self.board.heard(now)),
            minute=self.board.last_minute(),
            upright=upright,
            seen=seen,
        )

    def show(
        self, request: Request, name: str, status: int = 200, **values: object
    ) -> Response:
        """An answer from a template."""
        html = self._templates.get_template(name).render(
            token=self.visitors.token(request),
            login=self.visitors.login is not None,
            path=self._place(request.url.path),
            home=self.settings.home,
            notice=notice(self.settings),
            kiosk="kiosk" in request.query_params,
            trouble=self.feed.words_of_trouble(),
            language=words.language(),
            here_but_language=_here(request),
            script_words=script_words(),
            now=datetime.now(UTC).timestamp(),
            **values,
        )
        return HTMLResponse(html, status)

    def show_unknown(self, request: Request, pi: str) -> Response:
        """That there is no such camera."""
        reason = _(
            "There is no camera called %(name)s, or it has sent nothing for long."
        ) % {"name": repr(pi[:100])}
        return self.show(request, "missing.html", 404, reason=reason)

    def _place(self, path: str) -> str:
        """The page that is shown at a path."""
        return f"/{self.settings.home}" if path == "/" else path

    def _time(self, moment: datetime | None, form: str = "%Y-%m-%d %H:%M:%S") -> str:
        if moment is None:
            return "-"
        return moment.astimezone(self.settings.zone).strftime(form)

    def _moment(self, moment: datetime | None) -> str:
        """A time in words."""
        if moment is None:
            return "-"
        return dates.moment_words(moment.astimezone(self.settings.zone))


def _here(request: Request) -> str:
    """The query of this address, to which a choice of language can be added."""
    query = [each for each in request.query_params.multi_items() if each[0] != "lang"]
    return f"{urlencode(query)}&" if query else ""


def _stamp(moment: datetime | None) -> str:
    """Seconds since 1970, for the script that shows ages."""
    return f"{moment.timestamp():.3f}" if moment else ""
