"""A port for GET and nothing else, bounded in memory and time.

Python's http.server would take half of the agent's memory.
"""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping

from common.errors import OperatorError
from node_agent.exposition import CONTENT_TYPE

Page = Callable[[], tuple[int, str]]
"""Gives an HTTP status and a text."""

_AT_ONCE = 8  # askers; one more is turned away
_PATIENCE = 5.0  # seconds for a whole request
_LONGEST = 8192  # bytes of it
_WORDS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Unavailable"}


class Port(socketserver.ThreadingTCPServer):
    """Serves pages until it is closed, each asker in a thread."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: str, port: int, pages: Mapping[str, Page]) -> None:
        """Open the port.

        Raises:
            OperatorError: it cannot be opened.
        """
        self.pages = pages
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        if ":" in address:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((address, port), _Handler)
        except OSError as error:
            raise OperatorError(
                f"cannot open port {port} on {address} for /metrics: {error.strerror} "
                "(choose another with AGENT_PORT)"
            ) from error
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def verify_request(self, *_: object) -> bool:
        """Whether there is room for one more asker."""
        return self._free.acquire(blocking=False)

    def process_request_thread(self, *arguments: object) -> None:
        """One asker; the place is free again afterwards."""
        try:
            super().process_request_thread(*arguments)  # type: ignore[arg-type]
        finally:
            self._free.release()

    def handle_error(self, *_: object) -> None:
        """Say nothing: an asker who goes away is no news."""

    def close(self) -> None:
        """Stop serving."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(socketserver.BaseRequestHandler):
    server: Port

    def handle(self) -> None:
        method, path = self._request()
        if method not in ("GET", "HEAD"):
            status, text = 405, "GET /metrics or /healthz\n"
        else:
            page = self.server.pages.get(path.partition("?")[0])
            status, text = page() if page else (404, "/metrics or /healthz\n")
        body = text.encode()
        head = (
            f"HTTP/1.1 {status} {_WORDS[status]}\r\nContent-Type: {CONTENT_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.request.sendall(head.encode() + (b"" if method == "HEAD" else body))

    def _request(self) -> tuple[str, str]:
        """Method and path; empty where there were none in time."""
        until = time.monotonic() + _PATIENCE
        told = b""
        while b"\r\n\r\n" not in told and len(told) < _LONGEST:
            self.request.settimeout(max(0.01, until - time.monotonic()))
            more = self.request.recv(_LONGEST)
            if not more or time.monotonic() > until:
                break
            told += more
        words = told.split(b"\r\n", 1)[0].decode("latin-1").split()
        return (words[0], words[1]) if len(words) > 1 else ("", "")
