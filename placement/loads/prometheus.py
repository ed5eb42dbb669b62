"""The one door to Prometheus: one instant query, answered in time or not at all."""

import base64
import gc
import json
import logging
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin

import urllib3

from common.texts import without_login
from common.tls import client_context
from kube.nodes import Node
from placement.errors import MetricsError
from placement.loads.query import build_query
from placement.loads.ratios import build_ratio_query, ratio_hints
from placement.loads.readings import Survey, survey
from placement.settings import LoadSettings, PrometheusSettings

log = logging.getLogger(__name__)

_MOST = 512 * 1024 * 1024  # bytes; a million series are about half of it
_PIECE = 256 * 1024
_PATH = "/api/v1/query"
_REMEDIES = {
    401: "check PROMETHEUS_USER and PROMETHEUS_PASSWORD, or PROMETHEUS_TOKEN",
    403: "this user may not query: check its rights at the proxy",
    404: "check the path prefix in PROMETHEUS_URL",
    422: "check GPU_METRICS: Prometheus cannot compute it",
    400: "check GPU_METRICS: Prometheus does not understand it",
}


@dataclass(frozen=True)
class Answer:
    """What a server has said."""

    status: int
    body: bytes
    location: str = ""
    """Where a redirect leads to."""


class Prometheus:
    """A Prometheus server, or anything that speaks its HTTP API."""

    def __init__(self, settings: PrometheusSettings) -> None:
        """Prepare; nothing is connected yet.

        Raises:
            MetricsError: a certificate file cannot be used.
        """
        self._settings = settings
        self._headers = _headers(settings)
        self._pool = urllib3.PoolManager(retries=False, ssl_context=_tls(settings))

    def survey(self, nodes: Iterable[Node], loads: LoadSettings) -> Survey:
        """One reading for each node that has a load.

        Raises:
            MetricsError: Prometheus did not answer as it should.
        """
        rows = self.query(build_query(loads))
        try:
            with _no_garbage():
                return survey(rows, nodes, loads)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise self._error(
                f"rows that are not those asked for ({type(error).__name__}: {error})"
            ) from error

    def ratio_hints(self, loads: LoadSettings) -> tuple[str, ...]:
        """What to say of series that look like ratios; costs a look at hours.

        Raises:
            MetricsError: Prometheus did not answer as it should.
        """
        asked = build_ratio_query(loads)
        try:
            return ratio_hints(self.query(asked), loads) if asked else ()
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise self._error(f"rows that are not those asked for ({error})") from error

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The rows of an instant vector: `metric` (labels) and `value` (time, text).

        Raises:
            MetricsError: Prometheus did not answer as it should.
        """
        try:
            found = self.fetch(promql)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._error(_short(error)) from error
        answer = _json(found.body)
        if found.status != 200:
            self._fail(found, answer)
        if answer is None:
            raise self._error(f"no JSON but {_start(found.body)}: check PROMETHEUS_URL")
        return self._rows(answer)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def fetch(self, promql: str) -> Answer:
        """What Prometheus answers, whatever it is.

        Raises:
            MetricsError: no whole answer in time.
            urllib3.exceptions.HTTPError: no answer.
        """
        seconds = self._settings.deadline
        until = time.monotonic() + seconds
        # VictoriaMetrics would otherwise answer for 30 s ago; others know no nocache.
        asked = {"query": promql, "timeout": f"{seconds * 1000:.0f}ms", "nocache": "1"}
        response = self._pool.request(
            "POST",
            self._settings.url + _PATH,
            body=urlencode(asked),
            headers=self._headers,
            timeout=urllib3.Timeout(total=seconds),
            preload_content=False,
        )
        try:
            location = response.headers.get("Location", "")
            return Answer(response.status, self._body(response, until), location)
        finally:
            # After a whole body this gives the connection back, otherwise it ends it.
            response.release_conn()

    def _body(self, response: urllib3.BaseHTTPResponse, until: float) -> bytes:
        # The library's timeout is for each read alone: a slow drip would never end.
        body = bytearray()
        while piece := response.read1(_PIECE):
            body += piece
            if time.monotonic() > until:
                response.close()
                raise self._error(f"no whole answer in {self._settings.deadline:g} s")
            if len(body) > _MOST:
                response.close()
                raise self._error(f"an answer of more than {_MOST} bytes")
        return bytes(body)

    def _fail(self, found: Answer, answer: Any) -> None:  # noqa: ANN401
        said, remedy = _start(found.body), _REMEDIES.get(found.status)
        if isinstance(answer, dict) and "error" in answer:
            said = f"{answer.get('errorType', 'error')}: {answer['error']}"
        if found.location:
            said, remedy = self._redirect(found.location)
        raise self._error(
            f"it answered {found.status}, {said}" + (f" ({remedy})" if remedy else "")
        )

    def _redirect(self, location: str) -> tuple[str, str]:
        """Where an answer leads to, and the remedy; what follows ? may be secret."""
        goal = urljoin(self._settings.url + _PATH, location.partition("?")[0])
        shown = without_login(goal)
        if shown.endswith(_PATH):
            remedy = f"set PROMETHEUS_URL={shown.removesuffix(_PATH)}"
        else:
            remedy = "a login page, or another service: check PROMETHEUS_URL"
        return f"a redirect to {shown}", remedy

    def _rows(self, answer: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        try:
            for warning in answer.get("warnings", ()):
                log.warning("Prometheus %s warns: %s", self._settings.url, warning)
            kind, rows = answer["data"]["resultType"], answer["data"]["result"]
        except (AttributeError, KeyError, TypeError):
            raise self._error("JSON that is no answer to a query") from None
        if kind != "vector":
            raise self._error(f"a {kind} where an instant vector was asked for")
        if not isinstance(rows, list):
            raise self._error("a vector that is no list")
        return rows

    def _error(self, text: str) -> MetricsError:
        for secret in (self._settings.password, self._settings.token):
            text = text.replace(secret, "***") if secret else text
        return MetricsError(f"Prometheus at {self._settings.url}: {text}")


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Let Python look for no garbage while a great answer is taken apart.

    It is a hundred thousand small objects that all live; looking through them again and
    again takes a third of the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _headers(settings: PrometheusSettings) -> dict[str, str]:
    headers = {
        "User-Agent": "posture-placement",
        "Content-Type": "application/x-www-form-urlencoded",
    }
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


def _tls(it: PrometheusSettings) -> ssl.SSLContext:
    try:
        return client_context(
            "PROMETHEUS_CA_FILE", it.ca_file, it.cert_file, it.key_file
        )
    except ValueError as error:
        raise MetricsError(str(error)) from error


def _json(body: bytes) -> Any:  # noqa: ANN401
    try:
        with _no_garbage():
            return json.loads(body)
    except ValueError:
        return None


def _start(body: bytes) -> str:
    text = " ".join(body[:200].decode(errors="replace").split())
    return repr(text) if text else "nothing"


def _short(error: Exception) -> str:
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)
    late = isinstance(error, (TimeoutError, urllib3.exceptions.TimeoutError))
    if late and not refused:
        return "it does not answer in time"
    # The library wraps what happened in the names of its own objects.
    return str(error.__cause__ or error.__context__ or error)
