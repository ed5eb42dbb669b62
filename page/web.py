"""The page's addresses: who may ask for them, and what they answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from common.errors import OperatorError
from page import answers, days, desk, exposition, forms, offices, past, security, weeks
from page.parts import Page
from page.rows import DatabaseAwayError
from page.visitors import METRICS

Endpoint = Callable[[Page, Request], Awaitable[Response]]

_OPEN = ("/login", "/static/{name}", "/healthz", "/livez")  # asked for without a login
_BY_LINK = "/desk"  # these have their own


def make_app(page: Page) -> Starlette:
    """The page as an ASGI application."""
    settings, visitors = page.settings, page.visitors
    office_first = settings.home == "office"

    def route(path: str, endpoint: Endpoint, method: str = "GET") -> Route:
        async def guarded(request: Request) -> Response:
            visitors.speak(request)
            refusal = visitors.refuse(request, needs_login=_needs_login(path))
            response = refusal or await _answer(page, endpoint, request)
            visitors.greet(request, response)
            security.add_headers(response, secure=settings.secure)
            return response

        return Route(path, guarded, methods=[method])

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with page.running():
            yield

    return Starlette(
        routes=[
            route("/", offices.office if office_first else answers.cameras),
            route("/office", offices.office),
            route("/cameras", answers.cameras),
            route("/live", answers.live),
            route("/camera", days.camera),
            route("/week", weeks.week),
            route("/view", past.view),
            route("/table", past.table),
            route("/table.csv", past.export),
            route("/system", answers.system),
            route("/why", answers.why),
            route("/desk", desk.desk),
            route("/desk/enter", desk.enter, "POST"),
            route("/desk/do", desk.act, "POST"),
            route("/desk/download", desk.download),
            route("/desk/delete", desk.delete_page),
            route("/desk/delete", desk.delete, "POST"),
            route("/desk/leave", desk.leave, "POST"),
            route("/send", forms.send_page),
            route("/send", forms.send, "POST"),
            route("/login", forms.login_page),
            route("/login", forms.login, "POST"),
            route("/logout", forms.logout, "POST"),
            route("/picture/{number}.jpg", answers.picture),
            route("/static/{name}", answers.static),
            route("/healthz", answers.health),
            route("/livez", answers.alive),
            route(METRICS, exposition.metrics),
            route("/{path:path}", answers.missing),
        ],
        lifespan=lifespan,
    )


def _needs_login(path: str) -> bool:
    return path not in _OPEN and path.split("/")[1] != _BY_LINK.strip("/")


async def _answer(page: Page, endpoint: Endpoint, request: Request) -> Response:
    try:
        return await endpoint(page, request)
    except DatabaseAwayError as error:
        page.tell_operator(f"database: {error}")
        return page.show(request, "away.html", status=503)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    except OperatorError as error:
        return page.show(request, "wrong.html", status=400, reason=str(error))
