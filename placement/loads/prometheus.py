"""The one door to Prometheus: one instant query, answered in time or not at all."""

import gc
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3
from prometheus_api_client import PrometheusConnect

from common.texts import without_login
from kube.nodes import Node
from placement.errors import MetricsError
from placement.loads.query import build_query
from placement.loads.ratios import build_ratio_query, ratio_hints
from placement.loads.readings import Survey, survey
from placement.loads.session import NO_RETRIES, Session
from placement.settings import LoadSettings, PrometheusSettings

log = logging.getLogger(__name__)

_PATH = "/api/v1/query"
_REMEDIES = {
    401: "check PROMETHEUS_USER and PROMETHEUS_PASSWORD, or PROMETHEUS_TOKEN",
    403: "this user may not query: check its rights at the proxy",
    404: "check the path prefix in PROMETHEUS_URL",
    422: "check GPU_METRICS: Prometheus cannot compute it",
    400: "check GPU_METRICS: Prometheus does not understand it",
}


class Prometheus:
    """A Prometheus server, or anything that speaks its HTTP API."""

    def __init__(self, settings: PrometheusSettings) -> None:
        """Prepare; nothing is connected yet.

        Raises:
            MetricsError: a certificate file cannot be used.
        """
        self._settings = settings
        session = Session(settings, self.arrived)
        self._api = PrometheusConnect(
            settings.url, session=session, retry=NO_RETRIES, method="POST"
        )
        session.trust(settings.url)

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
        # VictoriaMetrics would otherwise answer for 30 s ago; others know no nocache.
        milliseconds = f"{self._settings.deadline * 1000:.0f}ms"
        asked = {"timeout": milliseconds, "nocache": "1"}
        try:
            rows: list[dict[str, Any]] = self._api.custom_query(promql, asked)
        except MetricsError as error:
            raise self._error(str(error)) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._error(_short(error)) from error
        return rows

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def arrived(self, response: requests.Response) -> None:
        """Look whether an answer is one; the library takes every JSON for one.

        Raises:
            MetricsError: it is none, and why.
        """
        answer = _json(response.content)
        if response.status_code != 200:
            self._fail(response, answer)
        if answer is None:
            raise MetricsError(
                f"no JSON but {_start(response.content)}: check PROMETHEUS_URL"
            )
        self._check(answer)
        # A great answer is taken apart only once.
        response.json = lambda **_: answer  # type: ignore[method-assign]

    def _fail(self, response: requests.Response, answer: Any) -> None:  # noqa: ANN401
        status, location = response.status_code, response.headers.get("Location")
        said, remedy = _start(response.content), _REMEDIES.get(status)
        if isinstance(answer, dict) and "error" in answer:
            said = f"{answer.get('errorType', 'error')}: {answer['error']}"
        if location:
            said, remedy = self._redirect(location)
        raise MetricsError(
            f"it answered {status}, {said}" + (f" ({remedy})" if remedy else "")
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

    def _check(self, answer: Any) -> None:  # noqa: ANN401
        try:
            for warning in answer.get("warnings", ()):
                log.warning("Prometheus %s warns: %s", self._settings.url, warning)
            kind, rows = answer["data"]["resultType"], answer["data"]["result"]
        except (AttributeError, KeyError, TypeError):
            raise MetricsError("JSON that is no answer to a query") from None
        if kind != "vector":
            raise MetricsError(f"a {kind} where an instant vector was asked for")
        if not isinstance(rows, list):
            raise MetricsError("a vector that is no list")

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
    # The libraries wrap what happened in the names of their own objects.
    inner = error.args[0] if error.args else error
    if isinstance(inner, urllib3.exceptions.MaxRetryError):
        inner = inner.reason
    reason = inner if isinstance(inner, Exception) else error
    late = isinstance(
        reason, (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
    )
    if late and not isinstance(reason, urllib3.exceptions.NewConnectionError):
        return "it does not answer in time"
    return str(reason.__cause__ or reason.__context__ or reason)
