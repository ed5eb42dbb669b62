"""A memory cgroup for a process that is measured: what a pod's limit would do to it.

Needs the right to make a cgroup, as root in a container has it. Tried on cgroup v1;
the files of v2 are those that the kernel documents.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from common.cgroup import ROOT


class MemoryLimit:
    """A cgroup with a limit, and what the kernel has counted there."""

    def __init__(self, megabytes: int) -> None:
        """Make it.

        Raises:
            OSError: this user may not, or the kernel counts no memory.
        """
        self._old = (ROOT / "memory").is_dir()  # cgroup v1
        parent = ROOT / "memory" if self._old else ROOT
        self._group = parent / f"benchmark-{os.getpid()}"
        self._outside = parent / "cgroup.procs"
        self._group.mkdir()
        limit = "memory.limit_in_bytes" if self._old else "memory.max"
        (self._group / limit).write_text(str(megabytes << 20))

    @contextmanager
    def begun_inside(self) -> Iterator[None]:
        """What is begun within has the limit, and all that it begins."""
        own = str(os.getpid())
        (self._group / "cgroup.procs").write_text(own)
        try:
            yield
        finally:
            self._outside.write_text(own)

    def most_mb(self) -> int:
        """The most memory that was counted, pages of files among it."""
        name = "memory.max_usage_in_bytes" if self._old else "memory.peak"
        return int((self._group / name).read_text()) >> 20

    def kills(self) -> int:
        """How many processes the kernel has ended for want of memory."""
        name = "memory.oom_control" if self._old else "memory.events"
        lines = (self._group / name).read_text().splitlines()
        counts = dict(line.split() for line in lines)
        return int(counts["oom_kill"])

    def remove(self) -> None:
        """Remove it, once nothing runs there."""
        self._group.rmdir()
