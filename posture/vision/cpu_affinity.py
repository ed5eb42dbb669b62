"""Which cores of the processor there are for us, and on which a thread works."""

import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.cgroup import cpu_limit

_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
_LOOK = 5.0  # seconds between two looks at how crowded a core is
_CROWDED = 0.35  # of its time, that a thread waits for its core; two share it: a half
_IDLE = 0.3  # of the time, for which another core had nothing to do


def available_cores(limit: Callable[[], float | None] = cpu_limit) -> int:
    """Cores this process may use: its CPU affinity, cut by a container's CPU limit."""
    cores = len(os.sched_getaffinity(0))
    allowed = limit()
    return cores if allowed is None else max(1, min(cores, math.ceil(allowed)))


def a_core_for_each(analysts: int, start: int = 0) -> list[int]:
    """One core for each of so many analysts, in turn from the one at place `start`.

    MediaPipe has threads for all cores in each landmarker; those of two wander over
    both cores, wake each other from one to the other and leave each idle at times,
    which costs 3 % of all pictures with the full model. Where there are fewer analysts
    than cores, workers should start at different places; see `Place`.
    """
    cores = _apart(sorted(os.sched_getaffinity(0)))
    if analysts >= len(cores):
        start = 0
    return [cores[(start + number) % len(cores)] for number in range(analysts)]


def _apart(cores: list[int]) -> list[int]:
    """Those that share no physical core first."""
    taken: Counter[str] = Counter()
    turns = []
    for core in cores:
        siblings = ""
        with suppress(OSError):
            siblings = Path(_SIBLINGS.format(core)).read_text()
        turns.append((taken[siblings or str(core)], core))
        taken[siblings or str(core)] += 1
    return [core for _, core in sorted(turns)]


class Place:
    """Where an analyst's threads work: on a core of their own, or on any.

    On their own while others work, too. A picture alone is done in a tenth to a fifth
    less time where MediaPipe's threads may use the other cores, which are idle.
    """

    def __init__(self, core: int | None) -> None:
        """Keep the calling thread, and what of this process is there, on `core`."""
        stay_on(core)
        only = core is None or os.sched_getaffinity(os.getpid()) == {core}
        self._core = None if only else core
        self._away: list[int] = []  # threads of this place that use any core now
        self._looked = 0.0
        self._before = (0, 0)
        self._idle: dict[int, float] = {}

    def choose(self, *, alone: bool) -> None:
        """For the next picture: any core if there is no other work, else its own."""
        if self._core is None:
            return
        if alone and not self._away:
            self._away = _leave(self._core)
            self._before = (0, 0)
        elif self._away and not alone:
            for thread in self._away:
                _use({self._core}, thread)
            self._away = []

    def look(self) -> bool:
        """Look, now and then; True when the threads have just been set free for good.

        That is when the core is crowded while another one is idle: threads of others
        are tied to it too, which would halve the pictures of both. What is not tied,
        the kernel moves to the idle core.
        """
        now = time.monotonic()
        if self._core is None or self._away or now < self._looked + _LOOK:
            return False
        passed, self._looked = now - self._looked, now
        before, self._before = self._before, _run_and_waited()
        rested, self._idle = self._idle, _idle_seconds()
        if not all(before):
            return False
        ran, waited = (b - a for a, b in zip(before, self._before, strict=True))
        idle = max(
            (self._idle[core] - rested.get(core, 0.0) for core in self._idle),
            default=0.0,
        )
        if waited <= _CROWDED * (ran + waited) or idle <= _IDLE * passed:
            return False
        _leave(self._core)
        self._core = None
        return True


def _run_and_waited() -> tuple[int, int]:
    """Nanoseconds that this thread has run, and has waited for a core to do so."""
    try:
        ran, waited, _ = Path("/proc/thread-self/schedstat").read_text().split()
    except (OSError, ValueError):  # a kernel that does not count
        return 0, 0
    return int(ran), int(waited)


def _idle_seconds() -> dict[int, float]:
    """For how long each core that we may use has had nothing to do, since its start."""
    ours = os.sched_getaffinity(os.getpid())
    idle = {}
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/stat").read_text().splitlines():
            name, *ticks = line.split()
            core = name.removeprefix("cpu")
            if core.isdigit() and name != core and int(core) in ours:
                idle[int(core)] = int(ticks[3]) / os.sysconf("SC_CLK_TCK")
    return idle


def _leave(core: int) -> list[int]:
    """Let all threads of this process that stay on `core` use what its main one may.

    Gives their numbers.
    """
    everywhere, moved = os.sched_getaffinity(os.getpid()), []
    for task in Path("/proc/self/task").iterdir():
        thread = int(task.name)
        with suppress(OSError):  # it has ended
            if os.sched_getaffinity(thread) == {core}:
                os.sched_setaffinity(thread, everywhere)
                moved.append(thread)
    return moved


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


def _use(cores: set[int], thread: int = 0) -> None:
    with suppress(OSError):  # it has ended; where it is forbidden all is a bit slower
        os.sched_setaffinity(thread, cores)
