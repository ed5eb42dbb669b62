"""The one door to what watcher and scaler tell of themselves."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urljoin

import urllib3
from prometheus_client.parser import text_string_to_metric_families

from common.errors import OperatorError

_DEADLINE = 3.0  # seconds
_MOST = 4 << 20  # bytes
_LONGEST = 500  # characters of what is wrong
Read = TypeVar("Read")


@dataclass(frozen=True)
class Sample:
    """One line of the metrics."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Told:
    """The metrics of one process, and what is wrong with it in its own words."""

    samples: list[Sample]
    trouble: str = ""

    def each(self, name: str) -> list[Sample]:
        """The samples of this name."""
        return [sample for sample in self.samples if sample.name == name]

    def value(self, name: str) -> float | None:
        """The value of the one sample of this name; None for none, or no number."""
        found = self.each(name)
        return found[0].value if found and math.isfinite(found[0].value) else None

    def total(self, name: str) -> int:
        """The sum of a counter over all its labels."""
        total = sum(sample.value for sample in self.each(name))
        return int(total) if math.isfinite(total) else 0


@dataclass(frozen=True)
class Look(Generic[Read]):
    """What was found at an address, if one is set and answers."""

    asked: bool
    found: Read | None = None
    trouble: str = ""


def look(url: str | None, read: Callable[[Told], Read]) -> Look[Read]:
    """What `read` makes of the metrics at `url`, and what is wrong there."""
    if url is None:
        return Look(asked=False)
    try:
        told = ask(url)
    except OperatorError as error:
        return Look(asked=True, trouble=str(error))
    return Look(asked=True, found=read(told), trouble=told.trouble)


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
