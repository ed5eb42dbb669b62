"""The checks before anything is changed: side by side, each with its remedy."""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from common.errors import OperatorError

Mark = Literal["ok", "warn", "FAIL"]


class CheckError(OperatorError):
    """Something is not as it must be: what, and the command that mends it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


class Doubt(CheckError):  # noqa: N818 - it stops nothing
    """Something that may be wrong, or could not be found out."""


@dataclass(frozen=True)
class Check:
    """One question; `ask` answers it in a few words, or raises CheckError."""

    name: str
    ask: Callable[[], str]


@dataclass(frozen=True)
class Finding:
    """The answer to one question."""

    name: str
    mark: Mark
    said: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"  {self.mark:<4}  {self.name:<12} {self.said}"
        return f"{line}\n{'':22}mend: {self.remedy}" if self.remedy else line


def failed(findings: Iterable[Finding]) -> bool:
    """Whether something has to be mended first."""
    return any(each.mark == "FAIL" for each in findings)


def examine(checks: Sequence[Check], deadline: float) -> list[Finding]:
    """Ask everything at once; what has no answer after `deadline` seconds failed.

    A check that hangs is left behind in its thread, which does not keep the process.
    """
    found: list[Finding | None] = [None] * len(checks)

    def answer(index: int) -> None:
        found[index] = _ask(checks[index])

    threads = [
        threading.Thread(target=answer, args=(index,), name=each.name, daemon=True)
        for index, each in enumerate(checks)
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + deadline
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    return _without_repeats(
        finding or _late(check, deadline)
        for check, finding in zip(checks, found, strict=True)
    )


def _without_repeats(findings: Iterable[Finding]) -> list[Finding]:
    """One cause is told once; what else fails for it refers to the first."""
    first: dict[str, str] = {}
    told = []
    for each in findings:
        earlier = first.setdefault(each.said, each.name)
        again = each.mark == "FAIL" and earlier != each.name
        told.append(Finding(each.name, "FAIL", f"as {earlier}") if again else each)
    return told


def _ask(check: Check) -> Finding:
    try:
        return Finding(check.name, "ok", check.ask())
    except CheckError as error:
        mark: Mark = "warn" if isinstance(error, Doubt) else "FAIL"
        return Finding(check.name, mark, str(error), error.remedy)
    except OperatorError as error:
        return Finding(check.name, "FAIL", str(error))
    except Exception as error:  # noqa: BLE001 - one check must not hide the others
        return Finding(check.name, "FAIL", f"{type(error).__name__}: {error}")


def _late(check: Check, deadline: float) -> Finding:
    return Finding(
        check.name,
        "FAIL",
        f"no answer within {deadline:g} s",
        "something between here and there swallows packets: check address and firewall",
    )
