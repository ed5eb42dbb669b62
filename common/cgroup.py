"""What a container or a unit of systemd may use: limits of control groups, 1 and 2.

The own group is looked at, and each above it that can be seen: the least one counts.
Version 1 is what JetPack 4 and 5 have.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
_NONE = 1 << 60  # bytes that version 1 tells where there is no limit, or more
_N = TypeVar("_N", int, float)


def cpu_limit(root: Path = ROOT, membership: Path = MEMBERSHIP) -> float | None:
    """Cores that may be used at a time, such as 0.5; None where nothing is limited."""
    return _least("cpu", _cores, root, membership)


def memory_left(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int | None:
    """Bytes until the kernel ends a process of ours; None where nothing is limited."""
    return _least("memory", _left, root, membership)


def _least(
    controller: str, tell: Callable[[Path], _N | None], root: Path, membership: Path
) -> _N | None:
    told = []
    for folder in _folders(controller, root, membership):
        with suppress(OSError, ValueError):
            told.append(tell(folder))
    return min((each for each in told if each is not None), default=None)


def _folders(controller: str, root: Path, membership: Path) -> Iterator[Path]:
    """Of the version that counts for `controller`: ours first, then those above."""
    top, own = _place(controller, root, membership)
    while True:
        if (folder := top / own.lstrip("/")).is_dir():
            yield folder
        if own in ("/", ""):
            return
        own = str(Path(own).parent)


def _place(controller: str, root: Path, membership: Path) -> tuple[Path, str]:
    """Where its groups are, and the name of ours: lines are `number:controllers:name`.

    In a container the name may be one that only its host sees.
    """
    unified = root, "/"
    with suppress(OSError):
        for line in membership.read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if controller in controllers.split(","):
                return root / controllers, name
            if not controllers:
                unified = root, name
    if (root / controller).is_dir():
        return root / controller, "/"
    return unified


def _cores(folder: Path) -> float | None:
    if (unified := folder / "cpu.max").exists():
        quota, period = unified.read_text().split()
    else:
        quota = (folder / "cpu.cfs_quota_us").read_text()
        period = (folder / "cpu.cfs_period_us").read_text()
    if quota == "max" or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def _left(folder: Path) -> int | None:
    if (folder / "memory.max").exists():
        limit, used, files = "memory.max", "memory.current", "inactive_file"
    else:
        limit, used = "memory.limit_in_bytes", "memory.usage_in_bytes"
        files = "total_inactive_file"
    most = (folder / limit).read_text().strip()
    if most == "max" or int(most) >= _NONE:
        return None
    given_back = _stat(folder / "memory.stat", files)  # files that are read again
    return int(most) - int((folder / used).read_text()) + given_back


def _stat(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
