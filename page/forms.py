"""What visitors send: the password, and pictures."""

from urllib.parse import parse_qs

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from page.errors import PageError
from page.parts import Page

_LONGEST_FORM = 10_000  # bytes
_STALE = "This form is too old. Load the page again, and send it once more."


async def login_page(page: Page, request: Request) -> Response:
    """The form for the password."""
    return _login(page, request, request.query_params.get("to", "/"))


async def login(page: Page, request: Request) -> Response:
    """Let in who knows the password."""
    visitors = page.visitors
    try:
        form = await _form(request)
    except PageError as error:
        return PlainTextResponse(str(error), 413)
    to = form.get("to", "/")
    if visitors.login is None:
        return RedirectResponse("/", 303)
    if not visitors.trusts(request, form.get("token", "")):
        return _login(page, request, to, _STALE, 403)
    if not visitors.login.may_try(request.client.host if request.client else ""):
        return _login(page, request, to, "Too many tries. Wait for a minute.", 429)
    password = form.get("password", "")
    session = await to_thread.run_sync(visitors.login.enter, password)
    if session is None:
        return _login(page, request, to, "This is not the password.", 401)
    response = RedirectResponse(_local(to), 303)
    visitors.set_session(response, session)
    return response


async def logout(page: Page, request: Request) -> Response:
    """End the visitor's session."""
    form = await _form(request)
    if page.visitors.trusts(request, form.get("token", "")) and page.visitors.login:
        page.visitors.login.leave(page.visitors.session(request))
    return RedirectResponse("/login", 303)


async def send_page(page: Page, request: Request) -> Response:
    """Where a picture is dropped, or the computer's camera is asked for."""
    limit = page.sender.limit >> 20
    return page.show(request, "send.html", limit=limit, tiles=page.board.tiles())


async def send(page: Page, request: Request) -> Response:
    """Publish the picture that the request's body is; answers in words."""
    if not page.visitors.trusts(request, request.headers.get("x-token", "")):
        return PlainTextResponse(_STALE, 403)
    if not page.pictures_limit.allows():
        return PlainTextResponse("Too many pictures at a time. Wait a little.", 429)
    camera = request.query_params.get("camera", "")
    try:
        file = await _body(request, page.sender.limit)
        await to_thread.run_sync(page.sender.send, camera, file)
    except PageError as error:
        return PlainTextResponse(str(error), 422)
    return PlainTextResponse(f"Sent as a picture of {camera}.")


def _login(
    page: Page, request: Request, to: str, error: str = "", status: int = 200
) -> Response:
    return page.show(request, "login.html", status, to=_local(to), error=error)


def _local(path: str) -> str:
    """A path of this page; never another site, however it is written."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if inside and path.isprintable() else "/"


async def _form(request: Request) -> dict[str, str]:
    body = await _body(request, _LONGEST_FORM)
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


async def _body(request: Request, limit: int) -> bytes:
    """The request's body, which is refused as soon as it is too long."""
    told = request.headers.get("content-length", "")
    body = bytearray()
    too_long = told.isdigit() and int(told) > limit
    if not too_long:
        async for piece in request.stream():
            body += piece
            if len(body) > limit:
                too_long = True
                break
    if too_long:
        raise PageError(
            f"Too large: more than {limit >> 20 or 1} MB. Send a smaller picture."
        )
    return bytes(body)
