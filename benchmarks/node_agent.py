"""What the node agent takes of a node: memory, and processor time.

    python -m benchmarks.node_agent --seconds 120 --json

The agent as it is shipped, on the files of a Jetson Orin Nano (made here, on a disk;
sysfs is a little slower) and this machine's /proc, scraped every 15 seconds. Memory is
the resident set at the end; `core_percent` all of its processor time after the start.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import urllib3

from benchmarks.machine import machine, show
from tests.fixtures.boards import orin_6
from tests.fixtures.net import accepts, free_port, wait_until

SCRAPE = 15.0  # seconds


def memory_mb(pid: int) -> float:
    """Resident megabytes (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("it is gone")


def cpu_seconds(pid: int) -> float:
    """Processor time so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def measure(seconds: float) -> dict[str, float]:
    """One agent for so long."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        board = orin_6(Path(folder))
        environ = board.environ | {"HOST_PROC": "/proc", "AGENT_PORT": str(port)}
        agent = subprocess.Popen(
            [sys.executable, "-m", "node_agent", "--log-level", "error"],
            env={"PATH": os.environ["PATH"]} | environ,
        )
        try:
            wait_until(lambda: accepts(port), "the agent listens")
            time.sleep(2)
            begun, before = time.monotonic(), cpu_seconds(agent.pid)
            scrapes = _scrape(port, begun + seconds)
            spent = cpu_seconds(agent.pid) - before
            took = time.monotonic() - begun
            return {
                "seconds": round(took, 1),
                "memory_mb": round(memory_mb(agent.pid), 1),
                "core_percent": round(100 * spent / took, 3),
                "scrape_ms": round(1000 * min(scrapes), 2),
            }
        finally:
            agent.terminate()
            agent.wait(10)


def _scrape(port: int, until: float) -> list[float]:
    """Seconds of each scrape."""
    taken = []
    while time.monotonic() < until:
        begun = time.perf_counter()
        urllib3.request("GET", f"http://127.0.0.1:{port}/metrics", timeout=10)
        taken.append(time.perf_counter() - begun)
        time.sleep(min(SCRAPE, max(0.0, until - time.monotonic())))
    return taken


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    figures: dict[str, object] = dict(measure(arguments.seconds))
    figures["machine"] = machine()
    show(figures, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
