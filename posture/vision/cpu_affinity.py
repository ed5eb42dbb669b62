"""Which cores of the processor there are for us, and on which a thread works."""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from common.cgroup import cpu_limit


def available_cores(limit: Callable[[], float | None] = cpu_limit) -> int:
    """Cores this process may use: its CPU affinity, cut by a container's CPU limit."""
    cores = len(os.sched_getaffinity(0))
    allowed = limit()
    return cores if allowed is None else max(1, min(cores, math.ceil(allowed)))


def a_core_for_each(analysts: int) -> list[int | None]:
    """One core for each of so many analysts, or None for all of them.

    Only where there are as many as cores: fewer would crowd on the first ones, together
    with those of other workers. MediaPipe has threads for all cores in each landmarker;
    those of two wander over both cores, wake each other from one to the other and leave
    each idle at times, which costs 3 % of all pictures with the full model.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == analysts:
        return [*allowed]
    return [None] * analysts


def stay_on(core: int | None) -> None:
    """Keep this thread, and what it starts from now on, on `core`, if there is one."""
    if core is not None:
        _use({core})


@contextmanager
def threads_on(core: int | None) -> Iterator[None]:
    """Let threads that begin meanwhile stay on `core`; this one is free again after."""
    before = os.sched_getaffinity(0)  # of this thread: 0 means no other
    stay_on(core)
    try:
        yield
    finally:
        _use(before)


def _use(cores: set[int]) -> None:
    with suppress(OSError):  # where it is forbidden all is a little slower
        os.sched_setaffinity(0, cores)
