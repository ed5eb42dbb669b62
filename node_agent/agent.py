"""The agent's round: looks at everything once in a while, and tells what it saw."""

import time
from collections.abc import Callable, Iterator

from node_agent import system
from node_agent.errors import ReadingError
from node_agent.exposition import Family, Sample
from node_agent.gpu import load_files
from node_agent.meter import Meter, Source
from node_agent.nvml import nvml_gpus
from node_agent.settings import AgentSettings

_SEARCH_EVERY = 15.0  # seconds between two searches for a GPU that is not read


class NoGpu:
    """Stands where a GPU would, and tells why there is none."""

    name = "none"

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def read(self) -> float:
        """Never a load: without a GPU there is none, not 0.

        Raises:
            ReadingError: always.
        """
        raise ReadingError(self._reason)


def gpu_sources(settings: AgentSettings) -> list[Source]:
    """What tells the loads of this node's GPUs; sysfs first, else NVML."""
    if files := load_files(settings.sys):
        return list(files)
    try:
        if gpus := nvml_gpus():
            return list(gpus)
        reason = "NVML knows no GPU"
    except ReadingError as error:
        reason = str(error)
    return [NoGpu(f"no GPU: no load file in /sys, and {reason}")]


class Agent:
    """Everything that is told of one node."""

    def __init__(
        self,
        settings: AgentSettings,
        search: Callable[[AgentSettings], list[Source]] = gpu_sources,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._search = search
        self._clock = clock
        self._searched = clock()
        self._gpus = self._meters(search(settings))
        self._cpu, self._memory = self._meters(
            [system.Cpu(settings.proc), system.Memory(settings.proc)]
        )
        self._looked = self._searched

    def look(self) -> None:
        """Read everything once."""
        for meter in (*self._gpus, self._cpu, self._memory):
            meter.look(self._clock())
        self._looked = self._clock()
        self._search_again()

    def trouble(self) -> str | None:
        """What is wrong with the agent itself, if anything."""
        silent = self._clock() - self._looked
        if silent > self._settings.window + 2 * self._settings.interval:
            return "the node has not been looked at any more: a file hangs"
        return None

    def tell(self) -> list[Family]:
        """Everything for Prometheus, now."""
        it, now = self._settings, self._clock()
        free, size = system.disk()
        named = [("gpu", each) for each in self._gpus]
        named += [("cpu", self._cpu), ("memory", self._memory)]
        return [
            Family(
                "gpu_load_percent",
                "Mean load of a GPU over the window; NaN where it cannot be read",
                [Sample(m.mean(now), source=m.source.name) for m in self._gpus],
            ),
            _one("cpu_load_percent", "The same of all cores", self._cpu.mean(now)),
            _one("memory_load_percent", "Memory in use", self._memory.mean(now)),
            Family(
                "temperature_celsius",
                "Temperature of each thermal zone that can be read",
                [Sample(t, zone=zone) for zone, t in system.temperatures(it.sys)],
            ),
            Family(
                "reading_age_seconds",
                "Since a reading last succeeded",
                [_of(kind, meter, meter.age(now)) for kind, meter in named],
            ),
            Family(
                "reading_errors_total",
                "Looks that failed",
                [_of(kind, meter, meter.errors) for kind, meter in named],
                "counter",
            ),
            Family(
                "reading_problem",
                "1: why a reading is NaN",
                list(_problems(named, now)),
            ),
            _one("time_seconds", "The node's clock", time.time()),
            _one("cgroup_version", "Of control groups", system.cgroup_version(it.sys)),
            Family(
                "kernel_module",
                "Whether the kernel has a module that NetworkPolicy needs",
                [Sample(has, module=name) for name, has in system.modules(it.sys)],
            ),
            _one("disk_free_bytes", "Free on the disk of the containers", free),
            _one("disk_size_bytes", "All of it", size),
            Family("agent_info", "1", [Sample(1, board=system.board(it.sys))]),
        ]

    def _search_again(self) -> None:
        """Where a GPU is not read: another file may have come, as with JetPack 7."""
        now = self._clock()
        unread = any(each.problem(now) for each in self._gpus)
        if unread and now - self._searched >= _SEARCH_EVERY:
            self._searched = now
            found = self._search(self._settings)
            known = [(type(m.source), m.source.name) for m in self._gpus]
            if [(type(each), each.name) for each in found] != known:
                self._gpus = self._meters(found)

    def _meters(self, sources: list[Source]) -> list[Meter]:
        now = self._clock()
        return [Meter(each, self._settings.window, now) for each in sources]


def _one(name: str, text: str, value: float) -> Family:
    return Family(name, text, [Sample(value)])


def _of(kind: str, meter: Meter, value: float) -> Sample:
    return Sample(value, reading=kind, source=meter.source.name)


def _problems(named: list[tuple[str, Meter]], now: float) -> Iterator[Sample]:
    for kind, meter in named:
        if problem := meter.problem(now):
            yield Sample(1, reading=kind, source=meter.source.name, reason=problem)
