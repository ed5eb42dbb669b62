"""What open pages cost the worker on the same machine, in turn with and without them.

    python -m benchmarks.page_and_worker --cameras 50 --pages 20 --json

Two questions. `offered`: cameras publish a picture a second each; how many rows are
committed a second, and how much CPU the worker spends on each. `full`: a backlog waits;
how many pictures a second the worker works off. Without pages the page's process is
stopped (SIGSTOP). The readers of benchmarks.page stand for browsers, usually on other
machines: what they take here counts against the worker in `full`.
"""

import argparse
import contextlib
import math
import multiprocessing
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, processor_time, show
from benchmarks.page import read_pages
from benchmarks.throughput import (
    PICTURES,
    ROOT,
    Table,
    payloads_of,
    stack,
    worker_window,
)
from posture.settings import MODELS, available_cores
from tests.fixtures.page import LivePage

_SETTLE = 3.0  # seconds until pages are open, or the last of them gone


class Pages:
    """A page's process, and readers of it when they are wanted."""

    def __init__(self, page: LivePage, count: int) -> None:
        self._page = page
        self._count = count
        self._fetched = multiprocessing.Value("l", 0)
        self.process = page.process

    @contextlib.contextmanager
    def open(self, wanted: bool) -> Iterator[None]:
        """So many pages are open meanwhile, or the page does nothing at all."""
        if not wanted:
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(_SETTLE)
            yield
            self.process.send_signal(signal.SIGCONT)
            return
        readers = multiprocessing.Process(
            target=read_pages,
            args=(self._page.port, self._count, 3600, self._fetched),
        )
        readers.start()
        time.sleep(_SETTLE)
        yield
        readers.terminate()
        readers.join()


def offered_window(parts: Any, pages: Pages, seconds: float) -> dict[str, float]:
    """Rows a second, and CPU of worker and page, while cameras publish."""
    _, table, worker = parts
    processes = worker.process.pid, pages.process.pid
    spent = [*map(processor_time, processes)]
    before, begun = table.count(), time.monotonic()
    time.sleep(seconds)
    rows, took = table.count() - before, time.monotonic() - begun
    of_worker, of_page = (
        processor_time(each) - earlier
        for each, earlier in zip(processes, spent, strict=True)
    )
    return {
        "rows_per_second": rows / took,
        "worker_cpu_ms_a_row": of_worker / rows if rows else math.nan,
        "page_share_of_a_core": of_page / 1000 / took,
    }


@contextlib.contextmanager
def publishing(broker: Any, cameras: int) -> Iterator[None]:
    """So many cameras publish a picture a second each meanwhile."""
    names = ",".join(f"camera{n:02}" for n in range(cameras))
    flags = ("--pi", names, "--rate", str(cameras), "--repeat", "0", str(PICTURES))
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "publish_test_images.py"), *flags],
        env=broker.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(_SETTLE)
        yield
    finally:
        process.terminate()
        process.wait(60)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All figures."""
    payloads = payloads_of(PICTURES)
    offered, full = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        stack(arguments.model, available_cores()) as parts,
    ):
        broker, table, worker = parts
        folders = {"PICTURES_FOLDER": str(worker.pictures)}
        page = LivePage(Path(folder), table.database.environ | folders)
        page.wait_ready()
        pages = Pages(page, arguments.pages)
        with publishing(broker, arguments.cameras):
            for _ in range(arguments.rounds):
                for wanted in (False, True):
                    with pages.open(wanted):
                        offered.append(offered_window(parts, pages, arguments.seconds))
        wait_idle(table)
        for _ in range(arguments.rounds):
            for wanted in (False, True):
                with pages.open(wanted):
                    rate = worker_window(parts, payloads, arguments.backlog)
                    full.append({"pictures_per_second": rate})
        page.stop()
    return {
        "model": arguments.model,
        "cameras": arguments.cameras,
        "pages": arguments.pages,
        "rounds": arguments.rounds,
        "offered": compare(offered),
        "full": compare(full),
    }


def wait_idle(table: Table) -> None:
    """Wait until no row has come for a second."""
    before = -1
    while table.count() > before:
        before = table.count()
        time.sleep(1)


def compare(windows: list[dict[str, float]]) -> dict[str, Any]:
    """Medians without and with pages, and of the ratio of each pair of neighbours."""
    without, within = windows[::2], windows[1::2]
    return {
        name: {
            "without": round(statistics.median(each[name] for each in without), 3),
            "with": round(statistics.median(each[name] for each in within), 3),
            "ratio": _ratio([each[name] for each in without],
                            [each[name] for each in within]),
        }
        for name in windows[0]
    }  # fmt: skip


def _ratio(before: list[float], after: list[float]) -> float | None:
    if not all(before):
        return None
    pairs = zip(before, after, strict=True)
    return round(statistics.median(b / a for a, b in pairs), 3)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--model", choices=MODELS, default="full")
    parser.add_argument("--cameras", type=int, default=50)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5, help="of each, in turn")
    parser.add_argument("--seconds", type=float, default=8, help="of one round")
    parser.add_argument(
        "--backlog", type=int, default=350, help="pictures: 5 s of two cores' worker"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    show(measure(arguments) | {"machine": machine()}, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
