"""One's own desk: its week, what is kept of it, and what to do about that.

Whoever has the desk's link is let in, to that desk alone and without an account.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import (
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from common.errors import OperatorError
from common.pause import as_text
from page.desk_links import Desk
from page.forms import read_form
from page.keeper import delete_all, may_delete
from page.kept import archive, kept_of
from page.parts import Page
from page.visitors import address_of
from page.weeks import week_values
from page.words import gettext as _

COOKIE = "posture-desk"
PLACE = "/desk"
_HOUR = timedelta(hours=1)


async def desk(page: Page, request: Request) -> Response:
    """A desk's own page; without its link, the page that takes one."""
    own = _desk(page, request)
    if own is None:
        return page.show(request, "desk_enter.html", 403, exist=page.desks.exist)
    if _another(request.query_params.get("pi"), own):
        return _only(own)
    week = await week_values(page, own.pi, request.query_params.get("week", ""))
    kept = await to_thread.run_sync(kept_of, page.rows, page.settings.pictures, own.pi)
    return page.show(
        request,
        "desk.html",
        kept=kept,
        ends=own.ends,
        asked=page.asked.get(own.pi, {}),
        may_delete=may_delete(page.settings),
        row_days=page.settings.row_days,
        picture_days=page.settings.picture_days,
        **week,
    )


async def enter(page: Page, request: Request) -> Response:
    """Take a link's token, and let the browser have it as a cookie."""
    form = await read_form(request)
    if not page.desk_limits.tries.allows(address_of(request)):
        return PlainTextResponse(_("Too many tries. Wait for a minute."), 429)
    if not page.visitors.trusts(request, form.get("token", "")):
        return PlainTextResponse(_("Load the page again."), 403)
    own = page.desks.desk(form.get("link", ""), datetime.now(UTC))
    if own is None:
        return PlainTextResponse(_("This link has ended, or never was one."), 403)
    response = Response(status_code=204)
    response.set_cookie(
        *(COOKIE, form["link"]),
        expires=own.ends,
        path=PLACE,
        httponly=True,
        samesite="lax",
        secure=page.settings.secure,
    )
    return response


async def act(page: Page, request: Request) -> Response:
    """Pause the camera for an hour, want no nudges today, or take that back."""
    own, form, refusal = await _asked(page, request)
    if own is None or refusal:
        return refusal or _no_link()
    now = datetime.now(UTC)
    acts: dict[str, tuple[str, str, Callable[[], datetime | None]]] = {
        "pause": ("pause", "pause", lambda: now + _HOUR),
        "go-on": ("pause", "pause", lambda: None),
        "no-nudges": ("nudge/suspend", "nudges", lambda: _midnight(page, now)),
        "nudges": ("nudge/suspend", "nudges", lambda: None),
    }
    if form.get("do") not in acts:
        return PlainTextResponse(_("Load the page again."), 400)
    topic, what, end = acts[form["do"]]
    until = end()
    topic = f"{page.settings.prefix}/{own.pi}/{topic}"
    await to_thread.run_sync(page.sender.keep, topic, as_text(until))
    page.asked.setdefault(own.pi, {})[what] = until
    return RedirectResponse(PLACE, 303)


async def download(page: Page, request: Request) -> Response:
    """All rows and pictures of the desk, as a ZIP."""
    own = _desk(page, request)
    if own is None or _another(request.query_params.get("pi"), own):
        return _only(own) if own else _no_link()
    if not page.desk_limits.downloads.allows(own.pi):
        return PlainTextResponse(_("Too often. Wait some minutes."), 429)
    # Asked before anything is sent: a failure can still be said.
    await to_thread.run_sync(page.rows.newest_id)
    return StreamingResponse(
        archive(page.rows, page.settings.pictures, own.pi),
        media_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="posture-{own.pi}.zip"'},
    )


async def delete_page(page: Page, request: Request) -> Response:
    """Ask whether all of it is really to be deleted."""
    own = _desk(page, request)
    if own is None or _another(request.query_params.get("pi"), own):
        return _only(own) if own else _no_link()
    kept = await to_thread.run_sync(kept_of, page.rows, page.settings.pictures, own.pi)
    return page.show(request, "desk_delete.html", pi=own.pi, kept=kept, done="")


async def delete(page: Page, request: Request) -> Response:
    """Have all that is kept of the desk deleted."""
    own, _form, refusal = await _asked(page, request)
    if own is None or refusal:
        return refusal or _no_link()
    if not may_delete(page.settings):
        return PlainTextResponse(_("This page may delete nothing."), 403)
    try:
        async with page.desk_limits.deleting:
            done = await to_thread.run_sync(delete_all, page.settings, own.pi)
    except OperatorError as error:
        page.tell_operator(f"deleting {own.pi}: {error}")
        raise OperatorError(
            _("Not all was deleted: the log of this page says why.")
        ) from error
    return page.show(request, "desk_delete.html", pi=own.pi, kept=None, done=done)


async def leave(page: Page, request: Request) -> Response:
    """Forget the link in this browser."""
    own, _form, refusal = await _asked(page, request)
    response: Response = refusal or RedirectResponse(PLACE, 303)
    if own and not refusal:
        response.delete_cookie(COOKIE, path=PLACE)
    return response


async def _asked(
    page: Page, request: Request
) -> tuple[Desk | None, dict[str, str], Response | None]:
    """The desk and the form, and why it is not done, if so."""
    form = await read_form(request)
    own = _desk(page, request)
    if own is None:
        return None, form, _no_link()
    if _another(form.get("pi"), own):
        return own, form, _only(own)
    if not page.visitors.trusts(request, form.get("token", "")):
        return own, form, PlainTextResponse(_("Load the page again."), 403)
    if not page.desk_limits.acts.allows(own.pi):
        return own, form, PlainTextResponse(_("Too often. Wait some minutes."), 429)
    return own, form, None


def _desk(page: Page, request: Request) -> Desk | None:
    return page.desks.desk(request.cookies.get(COOKIE, ""), datetime.now(UTC))


def _another(pi: str | None, own: Desk) -> bool:
    return pi is not None and pi != own.pi


def _only(own: Desk) -> Response:
    return PlainTextResponse(_("This link is for %(pi)s alone.") % {"pi": own.pi}, 403)


def _no_link() -> Response:
    return PlainTextResponse(_("This needs your desk's link."), 403)


def _midnight(page: Page, now: datetime) -> datetime:
    """The end of this day where the page's clock is."""
    zone = page.settings.zone
    end = datetime.combine(
        now.astimezone(zone).date() + timedelta(days=1), time(), zone
    )
    return end.astimezone(UTC)  # without a zone: that of this machine
