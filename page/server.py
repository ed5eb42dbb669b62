"""The one door to the web server that runs the page."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from prometheus_client import CollectorRegistry

from common.errors import OperatorError
from common.signals import on_stop_signals
from common.status_port import StatusPort
from page.connections import Connections
from page.parts import Page
from page.settings import PageSettings
from page.web import make_app

log = logging.getLogger(__name__)


def serve(settings: PageSettings) -> None:
    """Serve the page until SIGINT or SIGTERM.

    Raises:
        OperatorError: there is no login, or the address or certificate cannot be used.
    """
    if settings.key_file and not settings.cert_file:
        raise OperatorError(
            "PAGE_KEY_FILE is set, and PAGE_CERT_FILE is not: https needs it"
        )
    Connections.allow_files()
    page = Page(settings)
    app = make_app(page)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        http=Connections(settings.proxies).protocol(),  # type: ignore[arg-type]
        timeout_graceful_shutdown=1,
        ssl_certfile=settings.cert_file,
        ssl_keyfile=settings.key_file,
    )
    server = uvicorn.Server(config)

    def end() -> None:
        # uvicorn has handlers of its own while it runs, and raises the signal that
        # ended it to ours again.
        server.should_exit = True
        log.info("stopped")

    on_stop_signals(end)  # before a browser can be answered
    with _listen(settings) as listener, _probes(page):
        try:
            config.load()
        except OSError as error:
            raise OperatorError(
                f"the certificate {settings.cert_file} with the key "
                f"{settings.key_file or 'in it'} cannot be used: {error}"
            ) from error
        log.info("ready: %s", address(settings))
        server.run(sockets=[listener])


def address(settings: PageSettings) -> str:
    """Where a browser finds the page."""
    scheme = "https" if settings.cert_file else "http"
    host = f"[{settings.listen}]" if ":" in settings.listen else settings.listen
    return f"{scheme}://{host}:{settings.port}/"


def _listen(settings: PageSettings) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            settings.listen, settings.port, type=socket.SOCK_STREAM
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(1024)  # from here on browsers wait rather than being refused
    except OSError as error:
        raise OperatorError(
            f"cannot listen on {settings.listen}:{settings.port}: {error.strerror}; "
            "name another address with --listen or another port with --page-port"
        ) from error
    return listener


@contextmanager
def _probes(page: Page) -> Iterator[None]:
    """Answer Kubernetes on a port of its own, which visitors cannot fill."""
    settings = page.settings
    if not settings.probe_port:
        yield
        return
    port = StatusPort(
        settings.listen,
        settings.probe_port,
        CollectorRegistry(),  # the figures are for who has the token
        page.links.trouble,
        "PAGE_PROBE_PORT",
        page.standstill,
    )
    try:
        yield
    finally:
        port.close()
