"""The one door to the metrics that watcher and scaler serve.

Imported once an address is asked: a page without any starts sooner.
"""

from urllib.parse import urljoin

import urllib3
from prometheus_client.parser import text_string_to_metric_families

from common.errors import OperatorError
from page.metrics import Sample, Told

_DEADLINE = 3.0  # seconds
_MOST = 4 << 20  # bytes
_LONGEST = 500  # characters of what is wrong


def ask(url: str) -> Told:
    """What is served at `url`, the address of metrics, and at /healthz beside it.

    Raises:
        OperatorError: it does not answer as it should.
    """
    try:
        with urllib3.PoolManager(retries=False) as pool:
            status, body = _get(pool, url)
            healthy, words = _get(pool, urljoin(url, "healthz"))
    except urllib3.exceptions.HTTPError as error:
        raise OperatorError(f"{url} does not answer: {error}") from error
    if status != 200:
        raise OperatorError(f"{url} answers {status}: it is not the address of metrics")
    trouble = words.decode(errors="replace").strip() if healthy == 503 else ""
    return Told(_samples(body, url), trouble[:_LONGEST])


def _get(pool: urllib3.PoolManager, url: str) -> tuple[int, bytes]:
    answer = pool.request(
        "GET",
        url,
        timeout=urllib3.Timeout(total=_DEADLINE),
        preload_content=False,
    )
    return answer.status, answer.read(_MOST)


def _samples(body: bytes, url: str) -> list[Sample]:
    try:
        return [
            Sample(sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
        ]
    except (ValueError, KeyError) as error:
        raise OperatorError(f"{url} answers no metrics: {error}") from error
