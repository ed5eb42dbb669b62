"""A small HTTP port with `/metrics` and `/healthz`."""

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from common.errors import OperatorError

log = logging.getLogger(__name__)

_IDLE = 10  # seconds that a silent client is listened to


class StatusPort:
    """Serves until it is closed, in threads of its own."""

    def __init__(
        self,
        address: str,
        port: int,
        registry: CollectorRegistry,
        trouble: Callable[[], str | None],
    ) -> None:
        """Open the port; `trouble` says what is wrong, or None when all is well.

        Raises:
            OperatorError: the port cannot be opened.
        """

        class Handler(_Handler):
            pages = {  # noqa: RUF012 - made for this class alone
                "/metrics": lambda: (200, generate_latest(registry)),
                "/healthz": lambda: _health(trouble()),
            }

        try:
            self._server = ThreadingHTTPServer((address, port), Handler)
        except OSError as error:
            raise OperatorError(
                f"cannot open port {port} on {address} for /metrics: {error.strerror} "
                "(choose another, or 0 for none)"
            ) from error
        self._server.daemon_threads = True
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


def _health(trouble: str | None) -> tuple[int, bytes]:
    return (503, f"{trouble}\n".encode()) if trouble else (200, b"ok\n")


class _Handler(BaseHTTPRequestHandler):
    pages: dict[str, Callable[[], tuple[int, bytes]]]
    timeout = _IDLE

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        status, body = page() if page else (404, b"/metrics or /healthz\n")
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)
