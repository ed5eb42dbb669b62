"""From the start of the worker's process to ready for pictures, and where it goes.

    python -m benchmarks.start --model lite --runs 15 --json

Each run is a new process against a running broker and database, with a warm disk.
`python` is what passes before the worker's own clock runs: the interpreter, the
settings, and the log line on its way here. The models load beside the connection to the
database, so `models` is only what they take longer.
"""

import argparse
import re
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine, show
from posture.settings import MODELS, available_cores
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.postgres import running_postgres
from tests.fixtures.worker import WorkerProcess

_LAP = re.compile(r"(\w+) ([\d.]+) s")


def start_once(folder: Path, environ: dict[str, str]) -> dict[str, float]:
    """Seconds of one start, by part."""
    begun = time.perf_counter()
    worker = WorkerProcess(folder, environ)
    try:
        worker.wait_ready(step=0.002)
        total = time.perf_counter() - begun
        line = next(line for line in worker.lines if "ready: " in line)
        laps = {name: float(s) for name, s in _LAP.findall(line.partition("(")[2])}
        return {"total": total, "python": total - sum(laps.values())} | laps
    finally:
        worker.stop()


def measure(model: str, threads: int, runs: int) -> dict[str, object]:
    """Median, and the slowest, of so many starts."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_mosquitto(Path(folder) / "broker") as broker,
        running_postgres(on_disk=True) as database,
    ):
        environ = broker.environ | database.environ
        environ |= {"MODEL": model, "THREADS": str(threads)}
        start_once(Path(folder) / "worker", environ)  # warms the disk
        starts = [start_once(Path(folder) / "worker", environ) for _ in range(runs)]
    medians = {
        f"{part}_s": round(statistics.median(each[part] for each in starts), 3)
        for part in starts[0]
    }
    slowest = round(max(each["total"] for each in starts), 3)
    return (
        {"model": model, "threads": threads, "runs": runs}
        | medians
        | {"slowest_s": slowest, "machine": machine()}
    )


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--model", choices=MODELS, default="lite")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    show(
        measure(arguments.model, arguments.threads, arguments.runs),
        as_json=arguments.json,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
