"""Stand-ins for modules that a package imports and a start here does not use."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def stood_in(
    names: Iterable[str], stand_in: Callable[[str], ModuleType]
) -> Iterator[None]:
    """Import with `stand_in(name)` in the place of those that are not there yet."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update({name: stand_in(name) for name in absent})
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
