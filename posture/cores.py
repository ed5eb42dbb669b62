"""Which core of the processor a landmarker's threads work on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def a_core_for_each(landmarkers: int) -> list[int | None]:
    """One core for each of so many landmarkers, or None for all of them.

    Only where there are as many as cores: fewer would crowd on the first ones, together
    with those of other workers. MediaPipe has threads for all cores in each landmarker;
    those of two wander over both cores and leave each idle at times, which costs 1 % of
    all pictures with the full model.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == landmarkers:
        return [*allowed]
    return [None] * landmarkers


@contextmanager
def threads_on(core: int | None) -> Iterator[None]:
    """Let threads that begin meanwhile stay on `core`; this one is free again after."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)  # of this thread: 0 means no other
    _stay_on({core})
    try:
        yield
    finally:
        _stay_on(before)


def _stay_on(cores: set[int]) -> None:
    with suppress(OSError):  # where it is forbidden all is a little slower
        os.sched_setaffinity(0, cores)
