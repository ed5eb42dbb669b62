"""Steps, one after the other, each shown with what came of it and how long it took."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.errors import OperatorError

log = logging.getLogger(__name__)
Show = Callable[[str], None]
_WIDTH = 14


@dataclass(frozen=True)
class Step:
    """One thing to do; doing it again does no harm."""

    name: str
    does: str
    run: Callable[[], str]
    """Does it, and says in a few words what came of it; raises OperatorError."""


@dataclass(frozen=True)
class Outcome:
    """What came of a step."""

    step: Step
    said: str
    failed: bool = False


def run_in_order(steps: Sequence[Step], show: Show) -> Outcome | None:
    """Do each step, up to the first that fails; gives that one's outcome."""
    for number, step in enumerate(steps, 1):
        outcome = _run(step, show, f"{number}/{len(steps)}")
        if outcome.failed:
            return outcome
    return None


def run_all(steps: Sequence[Step], show: Show) -> list[Outcome]:
    """Do each step, whatever became of the one before."""
    total = len(steps)
    return [_run(step, show, f"{n}/{total}") for n, step in enumerate(steps, 1)]


def _run(step: Step, show: Show, number: str) -> Outcome:
    log.info("step %s %s: %s", number, step.name, step.does)
    begun = time.monotonic()
    try:
        outcome = Outcome(step, step.run())
    except OperatorError as error:
        outcome = Outcome(step, str(error), failed=True)
    except Exception as error:
        # Whatever goes wrong in one step, a stop goes on with the next.
        log.exception("step %s", step.name)
        outcome = Outcome(step, f"{type(error).__name__}: {error}", failed=True)
    seconds = time.monotonic() - begun
    word = "FAILED" if outcome.failed else "ok"
    line = (
        f"{number:>5}  {step.name:<{_WIDTH}} {word:<6} {seconds:6.1f} s  {outcome.said}"
    )
    log.log(logging.ERROR if outcome.failed else logging.INFO, "%s", line.strip())
    show(line)
    return outcome
