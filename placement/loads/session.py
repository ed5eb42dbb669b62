"""What prometheus-api-client sends its requests with: a whole answer in time, or none.

The library and `requests` below it would wait for each read anew, so that a slow drip
never ends, put the query into the address, where proxies cut it, and trust what the
environment says of proxies, logins and certificates.
"""

import base64
import ssl
import time
from collections.abc import Callable
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from common.tls import client_context
from placement.errors import MetricsError
from placement.settings import PrometheusSettings

NO_RETRIES = urllib3.Retry(0, read=False)
_MOST = 512 * 1024 * 1024  # bytes; a million series are about half of it
_PIECE = 256 * 1024


class Session(requests.Session):
    """One server, which is given up at the deadline."""

    def __init__(
        self,
        settings: PrometheusSettings,
        arrived: Callable[[requests.Response], object],
    ) -> None:
        """Prepare; `arrived` is given each whole answer, and may refuse it.

        Raises:
            MetricsError: a certificate file cannot be used.
        """
        super().__init__()
        self._deadline = settings.deadline
        self._arrived = arrived
        self._context = _tls(settings)
        self.trust_env = False
        self.headers = CaseInsensitiveDict(_headers(settings))

    def trust(self, url: str) -> None:
        """Check certificates as our settings say; the library has set its own way."""
        self.mount(url, _Adapter(self._context))

    def request(  # type: ignore[override]
        self,
        method: str | bytes,
        url: str | bytes,
        params: Any = None,  # noqa: ANN401 - as the library calls it
        **how: Any,  # noqa: ANN401
    ) -> requests.Response:
        """The whole answer, whatever its status; `params` are sent as a form.

        Raises:
            MetricsError: the answer does not end in time, is too long or refused.
            OSError: no answer; so is what `requests` raises.
            urllib3.exceptions.HTTPError: it has broken off.
        """
        until = time.monotonic() + self._deadline
        how |= {
            "timeout": urllib3.Timeout(total=self._deadline),
            "stream": True,
            "allow_redirects": False,
        }
        response = super().request(method, url, data=params, **how)
        try:
            response._content = self._body(response.raw, until)
        finally:
            # After a whole body this gives the connection back, otherwise it ends it.
            response.raw.release_conn()
        self._arrived(response)
        return response

    def _body(self, raw: urllib3.HTTPResponse, until: float) -> bytes:
        body = bytearray()
        while piece := raw.read1(_PIECE, decode_content=True):
            body += piece
            if time.monotonic() > until:
                raw.close()
                raise MetricsError(f"no whole answer in {self._deadline:g} s")
            if len(body) > _MOST:
                raw.close()
                raise MetricsError(f"an answer of more than {_MOST} bytes")
        return bytes(body)


class _Adapter(HTTPAdapter):
    """Checks certificates by our own context alone."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(max_retries=NO_RETRIES)

    def init_poolmanager(self, *arguments: Any, **how: Any) -> None:  # noqa: ANN401
        super().init_poolmanager(*arguments, **how, ssl_context=self._context)

    def cert_verify(self, *_: object) -> None:
        """Nothing: `requests` would trust its own list of authorities as well."""


def _headers(settings: PrometheusSettings) -> dict[str, str | bytes]:
    headers: dict[str, str | bytes] = {"User-Agent": "posture-placement"}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token}"
    elif settings.user:
        # RFC 7617: in UTF-8, as Prometheus reads it; libraries send Latin-1.
        pair = f"{settings.user}:{settings.password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    if settings.tenant:
        name, value = settings.tenant
        headers[name] = value
    return headers


def _tls(settings: PrometheusSettings) -> ssl.SSLContext | None:
    """What checks certificates; None where there is none to check.

    The system's authorities take 40 ms of a core to read, at every start.
    """
    plain = settings.url.lower().startswith("http:")
    if plain and not (settings.ca_file or settings.cert_file):
        return None
    try:
        return client_context(
            "PROMETHEUS_CA_FILE",
            settings.ca_file,
            settings.cert_file,
            settings.key_file,
        )
    except ValueError as error:
        raise MetricsError(str(error)) from error
