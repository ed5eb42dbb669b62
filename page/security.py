"""Headers on every answer, and which hosts and forms are believed."""

import hmac
import secrets
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from page.settings import LOOPBACK, PageSettings

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; media-src 'self' blob:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
Next = Callable[[Request], Awaitable[Response]]


def add_headers(response: Response, *, secure: bool) -> None:
    """Give an answer the headers that keep browsers from doing harm with it."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    if secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"


def wrong_host(request: Request, settings: PageSettings) -> Response | None:
    """A refusal when the page is asked for under a name that is not its own.

    Otherwise a page elsewhere could have its own name point at this machine, and read
    what a browser on this machine may read.
    """
    known = settings.hosts or (LOOPBACK if settings.on_loopback else ())
    name = (request.url.hostname or "").strip("[]")
    if known and name not in (*known, *LOOPBACK):
        return PlainTextResponse(
            f"This page is not {name[:100]}: see PAGE_HOSTS.\n", status_code=421
        )
    return None


class Tokens:
    """Signs forms, so that only those that this page has shown are taken."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, session: str) -> str:
        """The token of a session's forms."""
        return hmac.digest(self._key, session.encode(), "sha256").hex()

    def fits(self, session: str, token: str) -> bool:
        """Whether `token` is that of `session`."""
        return bool(session) and hmac.compare_digest(
            self.of(session).encode(), token.encode()
        )
