"""Which visitor a request comes from, and whether it is let in."""

import hmac
import secrets
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from common.errors import OperatorError
from page import words
from page.login import Login
from page.security import Tokens, wrong_host
from page.settings import PageSettings

METRICS = "/metrics"
_BEARER = {"WWW-Authenticate": "Bearer"}
_COOKIE = "posture-page"
_LANGUAGE = "posture-language"
_YEAR = 365 * 86400  # seconds


def address_of(request: Request) -> str:
    """Where a request comes from; behind a trusted proxy what that says."""
    return request.client.host if request.client else ""


class Visitors:
    """Cookies, the login and the tokens of forms."""

    def __init__(self, settings: PageSettings) -> None:
        """Prepare.

        Raises:
            OperatorError: others could reach the page, and there is no password.
        """
        if not settings.on_loopback and not settings.password_hash:
            raise OperatorError(
                f"--listen {settings.listen} lets others reach the page, so it needs a "
                "password: set PAGE_PASSWORD_HASH to what `python live_page.py "
                "--make-hash` prints"
            )
        self._settings = settings
        self._tokens = Tokens()
        self.login = Login(settings.password_hash) if settings.password_hash else None

    def speak(self, request: Request) -> None:
        """Answer in the visitor's language."""
        chosen = request.query_params.get("lang") or request.cookies.get(_LANGUAGE)
        accepted = request.headers.get("accept-language", "")
        words.use(words.choose(chosen, self._settings.language, accepted))

    def refuse(self, request: Request, *, needs_login: bool) -> Response | None:
        """Why a request is not answered, None when it may be."""
        if request.url.path == METRICS and self._is_prometheus(request):
            return None  # under whatever name it knows the page
        wrong = wrong_host(request, self._settings)
        if wrong:
            return wrong
        if needs_login and not self.admits(request):
            if request.url.path == METRICS:
                return PlainTextResponse("Give PAGE_METRICS_TOKEN.\n", 401, _BEARER)
            if request.method != "GET":
                return PlainTextResponse(
                    words.gettext("Please log in again."), status_code=401
                )
            wanted = request.url.path + (request.url.query and f"?{request.url.query}")
            return RedirectResponse(f"/login?to={quote(wanted)}", status_code=303)
        return None

    def _is_prometheus(self, request: Request) -> bool:
        wanted = f"Bearer {self._settings.metrics_token}"
        given = request.headers.get("authorization", "")
        return self._settings.metrics_token is not None and hmac.compare_digest(
            wanted.encode(), given.encode()
        )

    def admits(self, request: Request) -> bool:
        """Whether the visitor has logged in, and still is, where a login is needed."""
        return self.login is None or self.login.knows(self.session(request))

    def session(self, request: Request) -> str:
        """What the visitor's cookie says; a new one for who comes without."""
        known = request.cookies.get(_COOKIE) or getattr(request.state, "session", None)
        if not known:
            known = request.state.session = secrets.token_urlsafe(32)
        return str(known)

    def token(self, request: Request) -> str:
        """The token that the forms of this answer carry."""
        return self._tokens.of(self.session(request))

    def trusts(self, request: Request, token: str) -> bool:
        """Whether a form was shown by us to this visitor."""
        return self._tokens.fits(request.cookies.get(_COOKIE, ""), token)

    def greet(self, request: Request, response: Response) -> None:
        """Give a visitor without a cookie one, and keep the language chosen."""
        if request.query_params.get("lang") == words.language():
            response.set_cookie(
                *(_LANGUAGE, words.language(), _YEAR),
                httponly=True,
                samesite="lax",
                secure=self._settings.secure,
            )
        session = getattr(request.state, "session", None)
        if session:
            self.set_session(response, session)

    def set_session(self, response: Response, session: str) -> None:
        """Let the visitor's next requests belong to `session`."""
        response.set_cookie(
            _COOKIE,
            session,
            httponly=True,
            samesite="lax",  # forms of other sites come without it, links with it
            secure=self._settings.secure,
        )
