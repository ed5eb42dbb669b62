"""A small HTTP port with `/metrics`, `/healthz` and `/livez`, for our processes."""

import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from socketserver import BaseServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

from common.errors import OperatorError

log = logging.getLogger(__name__)

_IDLE = 10  # seconds that a silent client is listened to
_MOST = 20  # connections at a time
_QUEUE = 128  # not taken yet; Python's 5 have everybody else wait for seconds
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
    class Server(_Bounded, WSGIServer):
        address_family = family
        request_queue_size = _QUEUE

    return Server


class _Bounded(ThreadingMixIn, BaseServer):
    """A thread for each connection, and a bound for both.

    One more takes the place of the oldest, which has been silent or slow: so whoever
    asks at once, as probes do, is always answered.
    """

    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - of a server
        self._lock = threading.Lock()
        self._open: dict[Any, None] = {}  # sockets, the oldest first
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer one in a thread of its own."""
        with self._lock:
            self._open[request] = None
            oldest = next(iter(self._open)) if len(self._open) > _MOST else None
            if oldest is not None:
                del self._open[oldest]
        if oldest is not None:
            with suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)  # its thread notices, and ends
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401
        """One is answered, or gone."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """One went in the middle of its answer."""
        log.debug("status port: %s", client_address, exc_info=True)  # noqa: LOG014


class _Handler(WSGIRequestHandler):
    timeout = _IDLE

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)
