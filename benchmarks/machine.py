"""What a figure was measured on, and how figures are printed."""

import json
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from posture.settings import available_cores


def machine() -> dict[str, Any]:
    """Processor, cores, versions and date."""
    return {
        "cpu": _cpu(),
        "cores": available_cores(),
        "python": platform.python_version(),
        "mediapipe": version("mediapipe"),
        "opencv": version("opencv-contrib-python"),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def show(figures: dict[str, Any], *, as_json: bool) -> None:
    """Print figures as JSON or one a line."""
    if as_json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        print(f"{name:28} {value}")


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def processor_time(process: int) -> float:
    """Milliseconds of all threads that the process of this number has, or had."""
    clock = ~process << 3 | 2  # as clock_getcpuclockid(3) makes it
    return time.clock_gettime(clock) * 1000


def memory_mb(process: int, what: str) -> float:
    """Megabytes that a process has (VmRSS), or has had at most (VmHWM)."""
    status = Path(f"/proc/{process}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024
