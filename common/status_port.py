"""A small HTTP port with `/metrics`, `/healthz` and `/livez`, for our processes."""

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from common.errors import OperatorError

log = logging.getLogger(__name__)

_IDLE = 10  # seconds that a silent client is listened to
_TEXT = ("Content-Type", "text/plain; charset=utf-8")


def _well() -> None:
    return None


class StatusPort:
    """Serves until it is closed, in threads of its own."""

    def __init__(
        self,
        address: str,
        port: int,
        registry: CollectorRegistry,
        trouble: Callable[[], str | None] = _well,
        setting: str = "",
        standstill: Callable[[], str | None] = _well,
    ) -> None:
        """Open the port; `trouble` says what is wrong, or None when all is well.

        `standstill` says what only a new start of the process would mend: /livez.
        `setting` is the variable that names the port, for the message.

        Raises:
            OperatorError: the port cannot be opened.
        """
        try:
            family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
            self._server = make_server(
                address,
                port,
                _app(registry, trouble, standstill),
                _server(family),
                _Handler,
            )
        except OSError as error:
            raise OperatorError(
                f"cannot open port {port} on {address} for /metrics: {error.strerror} "
                f"(choose another{f' {setting}' if setting else ''}, or 0 for none)"
            ) from error
        self.port: int = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="status port", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _app(
    registry: CollectorRegistry,
    trouble: Callable[[], str | None],
    standstill: Callable[[], str | None],
) -> WSGIApplication:
    asked = {"/healthz": trouble, "/livez": standstill}
    metrics: WSGIApplication = make_wsgi_app(registry)

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            return metrics(environ, start)
        if environ["PATH_INFO"] not in asked:
            start("404 Not Found", [_TEXT])
            return [b"/metrics, /healthz or /livez\n"]
        problem = asked[environ["PATH_INFO"]]()
        start("503 Service Unavailable" if problem else "200 OK", [_TEXT])
        return [f"{problem or 'ok'}\n".encode()]

    return app


def _server(family: int) -> type[WSGIServer]:
    class Server(ThreadingMixIn, WSGIServer):
        address_family = family
        daemon_threads = True

    return Server


class _Handler(WSGIRequestHandler):
    timeout = _IDLE

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)
