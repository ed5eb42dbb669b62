"""How the text of a setting is read: yes or no, one of some names, a number in bounds.

Each raises ValueError saying what it expected.
"""

import math
from collections.abc import Callable


def boolean(text: str) -> bool:
    """Read yes or no."""
    known = {"true": True, "yes": True, "1": True, "on": True}
    known |= {"false": False, "no": False, "0": False, "off": False}
    if text.strip().lower() not in known:
        raise ValueError("true or false")
    return known[text.strip().lower()]


def one_of(*names: str) -> Callable[[str], str]:
    """Read one of a few names."""

    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return text

    return parse


def integer(low: int, high: int) -> Callable[[str], int]:
    """Read a whole number from `low` to `high`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return parse


def decimal(low: float, high: float) -> Callable[[str], float]:
    """Read a finite number from `low` to `high`."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high or not math.isfinite(number):
            raise ValueError(f"a number from {low:g} to {high:g}")
        return number

    return parse
