"""What visitors send: the password, and pictures."""

import asyncio
from contextvars import copy_context
from functools import partial
from urllib.parse import parse_qs

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from common.errors import OperatorError
from common.messages import marked
from page.parts import Page
from page.uploads import BusyError
from page.visitors import address_of
from page.words import gettext as _

_LONGEST_FORM = 10_000  # bytes
_TYPING, _UPLOADING = 10.0, 60.0  # seconds that a form and a picture may take to come
_BROWSER = "browser"  # the camera that the form begins with
_STALE = marked("This form is too old. Load the page again, and send it once more.")


async def login_page(page: Page, request: Request) -> Response:
    """The form for the password."""
    return _login(page, request, request.query_params.get("to", "/"))


async def login(page: Page, request: Request) -> Response:
    """Let in who knows the password."""
    visitors = page.visitors
    try:
        form = await read_form(request)
    except OperatorError as error:
        return PlainTextResponse(str(error), 413)
    to = form.get("to", "/")
    if visitors.login is None:
        return RedirectResponse("/", 303)
    if not visitors.trusts(request, form.get("token", "")):
        return _login(page, request, to, _(_STALE), 403)
    if not visitors.login.may_try(address_of(request)):
        return _login(page, request, to, _("Too many tries. Wait for a minute."), 429)
    password = form.get("password", "")
    enter = partial(visitors.login.enter, password, address_of(request))
    session = await to_thread.run_sync(enter)
    if session is None:
        return _login(page, request, to, _("This is not the password."), 401)
    response = RedirectResponse(_local(to), 303)
    visitors.set_session(response, session)
    return response


async def logout(page: Page, request: Request) -> Response:
    """End the visitor's session."""
    try:
        form = await read_form(request)
    except OperatorError as error:
        return PlainTextResponse(str(error), 413)
    if page.visitors.trusts(request, form.get("token", "")) and page.visitors.login:
        page.visitors.login.leave(page.visitors.session(request))
    return RedirectResponse("/login", 303)


async def send_page(page: Page, request: Request) -> Response:
    """Where a picture is dropped, or the computer's camera is asked for."""
    limit = page.sender.limit >> 20
    return page.show(
        request, "send.html", limit=limit, tiles=page.board.tiles([_BROWSER])
    )


async def send(page: Page, request: Request) -> Response:
    """Publish the picture that the request's body is; answers in words."""
    if not page.visitors.trusts(request, request.headers.get("x-token", "")):
        return PlainTextResponse(_(_STALE), 403)
    if not page.pictures_limit.allows():
        return PlainTextResponse(_("Too many pictures at a time. Wait a little."), 429)
    camera = request.query_params.get("camera", "")
    uploads, limit = page.uploads, page.sender.limit
    try:
        size = _told(request, limit)
        async with uploads.place(address_of(request), size):
            file = await _body(request, limit, _UPLOADING)
            await asyncio.get_running_loop().run_in_executor(
                uploads.thread, copy_context().run, page.sender.send, camera, file
            )
    except BusyError as error:
        return PlainTextResponse(str(error), 503)
    except OperatorError as error:
        return PlainTextResponse(str(error), 422)
    return PlainTextResponse(_("Sent as a picture of %(name)s.") % {"name": camera})


def _login(
    page: Page, request: Request, to: str, error: str = "", status: int = 200
) -> Response:
    return page.show(request, "login.html", status, to=_local(to), error=error)


def _local(path: str) -> str:
    """A path of this page; never another site, however it is written."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if inside and path.isprintable() else "/"


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form.

    Raises:
        OperatorError: it is too long, or too slow.
    """
    body = await _body(request, _LONGEST_FORM, _TYPING)
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def _told(request: Request, limit: int) -> int:
    """Bytes that the body says it has; `limit` when it does not say.

    Raises:
        OperatorError: more than that.
    """
    told = request.headers.get("content-length", "")
    size = int(told) if told.isascii() and told.isdigit() and len(told) < 20 else limit
    if size > limit:
        raise _too_large(limit)
    return size


async def _body(request: Request, limit: int, seconds: float) -> bytes:
    """The request's body, which is refused as soon as it is too long or too slow."""
    _told(request, limit)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise OperatorError(
            _("Too slow: it did not come within %(seconds)s s.")
            % {"seconds": f"{seconds:g}"}
        ) from None
    return bytes(body)


def _too_large(limit: int) -> OperatorError:
    return OperatorError(
        _("Too large: more than %(number)s MB. Send a smaller picture.")
        % {"number": limit >> 20 or 1}
    )
