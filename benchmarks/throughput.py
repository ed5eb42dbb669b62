"""Whole worker against bare MediaPipe, in turn on the same machine.

    python -m benchmarks.throughput --model full --seconds 60 --json

`bare` is `detect` on decoded pictures, with the bundle as it is published, in as many
threads as the worker has. The worker is the real one with a real broker (Mosquitto) and
PostgreSQL: a backlog waits in the broker, and the time counts from the moment the
worker is let loose on it until the last row is committed. `bare_same_bundle` runs
with the worker's own bundle, whose unused segmentation branch is cut off.

Latency is measured on an idle worker, one picture after another, from before the
publish (over a connection that stays) until the row can be read. Bare `detect` is
measured twice: one picture after another, and with the same pauses between them as the
pictures for the worker, for caches and cores are slower after a pause.
"""

import argparse
import base64
import contextlib
import math
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from benchmarks.machine import machine, memory_mb, percentile, show
from posture.models import bundle_path
from posture.settings import MODELS, available_cores
from tests.fixtures.models import published
from tests.fixtures.mosquitto import Mosquitto, running_mosquitto
from tests.fixtures.postgres import Postgres, running_postgres
from tests.fixtures.worker import WorkerProcess

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "images"
ROUND = 10.0  # seconds of a window; filling and draining take 0.1 of them
PATIENCE = 60.0  # seconds without a new row
PAUSE = 0.1  # seconds in which nothing is done before a picture of its own
LOOK = 0.0005  # seconds between looks whether its row is there
TURNS = 4  # in which pictures alone are measured


class Bare:
    """Bare MediaPipe in its own process."""

    def __init__(self, model: Path, threads: int) -> None:
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "benchmarks.bare",
                str(model),
                str(threads),
                str(PICTURES),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answer()

    def _answer(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("bare MediaPipe ended early")
        return line

    def per_second(self, seconds: float) -> float:
        """Pictures per second over so many seconds."""
        return float(self._ask(str(seconds)))

    def idle_ms(self, count: int) -> list[float]:
        """Milliseconds of so many pictures, each after a pause."""
        return [float(each) for each in self._ask(f"idle {count} {PAUSE}").split()]

    def _ask(self, what: str) -> str:
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait(20)


class Table:
    """Looks at the table over one connection, which costs next to nothing."""

    def __init__(self, database: Postgres) -> None:
        self.database = database
        self._connection = database.connect()

    def count(self) -> int:
        """Rows that are committed (ids have no gaps here)."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(max(id), 0) FROM posture_log")
            return cursor.fetchone()[0]

    def wait_for(self, count: int, step: float) -> None:
        """Wait until the table has so many rows."""
        done, until = self.count(), time.monotonic() + PATIENCE
        while done < count:
            if time.monotonic() > until:
                raise SystemExit(f"{done} of {count} rows, and none for {PATIENCE:g} s")
            time.sleep(step)
            before, done = done, self.count()
            if done > before:
                until = time.monotonic() + PATIENCE

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextlib.contextmanager
def stack(
    model: str,
    threads: int,
    settings: Mapping[str, str] = MappingProxyType({}),
    checkout: Path = ROOT,
) -> Iterator[tuple[Mosquitto, Table, WorkerProcess]]:
    """Broker, database and worker, running and ready; `settings` are the worker's.

    The worker is the one of `checkout`; the others are this one's.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        running_mosquitto(Path(folder) / "broker") as broker,
        running_postgres(durable=True) as database,
    ):
        environ = broker.environ | database.environ
        environ |= {
            "MODEL": model,
            "THREADS": str(threads),
            "LOG_LEVEL": "info",
        } | settings
        worker = WorkerProcess(Path(folder) / "worker", environ, checkout=checkout)
        try:
            worker.wait_ready()
            with contextlib.closing(Table(database)) as table:
                yield broker, table, worker
        finally:
            worker.end()


def worker_window(
    parts, payloads: list[bytes], count: int, expected: float = 0.0
) -> float:
    """Pictures per second while the worker works off a backlog of `count`.

    For the most of the `expected` seconds nobody looks, for each look costs the
    database, and so the worker.
    """
    broker, table, worker = parts
    before = table.count()
    worker.signal(signal.SIGSTOP)
    backlog = [payloads[n % len(payloads)] for n in range(count)]
    broker.publish("images/pi1", *backlog)
    begun = time.monotonic()
    worker.signal(signal.SIGCONT)
    time.sleep(0.8 * expected)
    table.wait_for(before + count, 0.02)
    return count / (time.monotonic() - begun)


def latencies(parts, payloads: list[bytes], count: int) -> list[float]:
    """Milliseconds from publish to committed row, the worker idle before each."""
    broker, table, _ = parts
    measured = []
    with broker.publisher() as client:
        for number in range(count):
            before = table.count()
            time.sleep(PAUSE)
            begun = time.monotonic()
            client.publish("images/pi1", payloads[number % len(payloads)], qos=1)
            # Looks cost the database, so none are made while there can be no row.
            time.sleep(0.6 * min(measured, default=0.0) / 1000)
            table.wait_for(before + 1, LOOK)
            measured.append((time.monotonic() - begun) * 1000)
    return measured


def payloads_of(folder: Path) -> list[bytes]:
    """Its pictures in Base64, as cameras send them."""
    return [
        base64.b64encode(path.read_bytes()) for path in sorted(folder.glob("*.jpg"))
    ]


def measure(
    model: str, seconds: float, threads: int, backlog: int, singles: int
) -> dict[str, object]:
    """All figures."""
    payloads = payloads_of(PICTURES)
    with (
        stack(model, threads) as parts,
        contextlib.ExitStack() as open_bare,
    ):
        bare = Bare(published(model), threads)
        same = Bare(bundle_path(ROOT / "models", model), threads)
        single = Bare(published(model), 1)
        for each in (bare, same, single):
            open_bare.callback(each.close)
        rates: list[tuple[float, float, float]] = []
        window = min(ROUND, seconds / 6)  # of three kinds, twice at least
        rate = worker_window(parts, payloads, 2 * singles)  # warm
        for _ in range(max(2, round(seconds / ROUND / 3))):
            count = max(32, round(rate * window))
            rate = worker_window(parts, payloads, count, count / rate)
            rates.append((bare.per_second(window), rate, same.per_second(window)))
        worker = parts[2].process.pid
        peak = memory_mb(worker, "VmHWM")
        if backlog:
            worker_window(parts, payloads, backlog)
        alone: dict[str, list[float]] = {"bare": [], "bare_same_bundle": []}
        waits: list[float] = []
        for _ in range(TURNS):  # the machine is not the same all the time
            count = math.ceil(singles / TURNS)
            waits += latencies(parts, payloads, count)
            alone["bare"] += single.idle_ms(count)
            alone["bare_same_bundle"] += same.idle_ms(count)
        return {
            "model": model,
            "threads": threads,
            "bare_per_second": round(statistics.median(r[0] for r in rates), 2),
            "worker_per_second": round(statistics.median(r[1] for r in rates), 2),
            "ratio": round(statistics.median(r[1] / r[0] for r in rates), 3),
            "bare_same_bundle_per_second": round(
                statistics.median(r[2] for r in rates), 2
            ),
            "ratio_same_bundle": round(
                statistics.median(r[1] / r[2] for r in rates), 3
            ),
            "rounds": len(rates),
            "bare_single_ms": round(1000 / single.per_second(window), 1),
            **_of_singles({**alone, "latency": waits}),
            "peak_memory_mb": round(peak),
            "backlog": backlog,
            "peak_memory_after_backlog_mb": round(memory_mb(worker, "VmHWM")),
            "machine": machine(),
        }


def _of_singles(measured: dict[str, list[float]]) -> dict[str, float]:
    told = {}
    for name, values in measured.items():
        told[f"{name}_idle_median_ms"] = round(statistics.median(values), 1)
        told[f"{name}_idle_p99_ms"] = round(percentile(values, 0.99), 1)
    return told


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--model", choices=MODELS, default="full")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument(
        "--backlog",
        type=int,
        default=0,
        help="pictures of one more backlog, for the peak memory with so many waiting",
    )
    parser.add_argument(
        "--singles", type=int, default=64, help="pictures to an idle worker"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    figures = measure(
        arguments.model,
        arguments.seconds,
        arguments.threads,
        arguments.backlog,
        arguments.singles,
    )
    show(figures, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
