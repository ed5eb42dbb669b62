"""What /proc and /sys tell of a node's CPU, memory, temperatures and system."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from node_agent.errors import ReadingError
from node_agent.files import number_of, text_of

MODULES = ("br_netfilter", "ip_set", "nf_conntrack", "xt_comment", "xt_set")
"""What k3s needs of the kernel to keep to a NetworkPolicy."""


class Cpu:
    """The share of all cores that was busy since the look before."""

    name = "proc"

    def __init__(self, proc: Path) -> None:
        self._path = proc / "stat"
        self._before = (0.0, 0.0)
        with suppress(ReadingError):  # the first look will say it
            self._before = self._ticks()

    def read(self) -> float:
        """Percent of all cores together.

        Raises:
            ReadingError: unreadable, or no tick has passed.
        """
        busy, total = self._ticks()
        busy_before, total_before = self._before
        self._before = busy, total
        if total <= total_before or busy < busy_before:
            raise ReadingError(f"{self._path}: stands still")
        return 100 * (busy - busy_before) / (total - total_before)

    def _ticks(self) -> tuple[float, float]:
        words = text_of(self._path).partition("\n")[0].split()
        try:
            # user nice system idle iowait irq softirq steal; guests are in user
            ticks = [int(each) for each in words[words.index("cpu") + 1 :][:8]]
            idle = ticks[3] + ticks[4]
        except (IndexError, ValueError) as error:
            raise ReadingError(f"{self._path}: not as proc(5) says") from error
        return float(sum(ticks) - idle), float(sum(ticks))


class Memory:
    """The share of the memory that no program could get."""

    name = "proc"

    def __init__(self, proc: Path) -> None:
        self._path = proc / "meminfo"

    def read(self) -> float:
        """Percent.

        Raises:
            ReadingError: unreadable, or it does not tell.
        """
        lines = (line.split() for line in text_of(self._path).splitlines())
        kib = {words[0]: words[1] for words in lines if len(words) > 1}
        try:
            total, free = int(kib["MemTotal:"]), int(kib["MemAvailable:"])
            return 100 * (1 - free / total)
        except (KeyError, ValueError, ZeroDivisionError) as error:
            raise ReadingError(f"{self._path}: not as proc(5) says") from error


def temperatures(sys: Path) -> Iterator[tuple[str, float]]:
    """Name and degrees Celsius of each thermal zone that can be read.

    A zone whose part is switched off cannot be, as the GPU's when it sleeps.
    """
    for zone in sorted((sys / "class/thermal").glob("thermal_zone*")):
        try:
            yield text_of(zone / "type"), number_of(zone / "temp") / 1000
        except ReadingError:
            continue


def board(sys: Path) -> str:
    """What the device tree calls this board; empty on a PC."""
    try:
        return text_of(sys / "firmware/devicetree/base/model")
    except ReadingError:
        return ""


def cgroup_version(sys: Path) -> float:
    """2 where control groups are unified, 1 where they are not; NaN if not seen."""
    groups = sys / "fs/cgroup"
    if (groups / "cgroup.controllers").exists():
        return 2.0
    return 1.0 if groups.is_dir() and any(groups.iterdir()) else float("nan")


def modules(sys: Path) -> Iterator[tuple[str, bool]]:
    """Whether each of `MODULES` is in the kernel now."""
    for name in MODULES:
        yield name, (sys / "module" / name).is_dir()


def disk(folder: str = "/") -> tuple[float, float]:
    """Bytes that are free and all bytes of the disk that containers write to.

    The root of a container is a layer on that disk.
    """
    found = os.statvfs(folder)
    return float(found.f_bavail * found.f_frsize), float(
        found.f_blocks * found.f_frsize
    )
