"""The one door to the web server that runs the page."""

import logging
import socket

import uvicorn

from common.signals import on_stop_signals
from page.errors import PageError
from page.settings import PageSettings
from page.web import make_app

log = logging.getLogger(__name__)

_CONNECTIONS = 500  # at a time; each open page holds one, and a few for its pictures


def serve(settings: PageSettings) -> None:
    """Serve the page until SIGINT or SIGTERM.

    Raises:
        PageError: there is no login, or the address or certificate cannot be used.
    """
    if settings.key_file and not settings.cert_file:
        raise PageError(
            "PAGE_KEY_FILE is set, and PAGE_CERT_FILE is not: https needs it"
        )
    app = make_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_CONNECTIONS,
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
    with _listen(settings) as listener:
        try:
            config.load()
        except OSError as error:
            raise PageError(
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
        raise PageError(
            f"cannot listen on {settings.listen}:{settings.port}: {error.strerror}; "
            "name another address with --listen or another port with --page-port"
        ) from error
    return listener
