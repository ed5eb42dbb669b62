"""What watcher and scaler tell of themselves, as the page needs it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from common.errors import OperatorError

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
    from page.scrape import ask

    try:
        told = ask(url)
    except OperatorError as error:
        return Look(asked=True, trouble=str(error))
    return Look(asked=True, found=read(told), trouble=told.trouble)
