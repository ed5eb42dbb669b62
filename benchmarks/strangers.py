"""What strangers and hostile pictures cost: a visitor's waiting, and memory.

    python -m benchmarks.strangers page --seconds 20 --json
    python -m benchmarks.strangers worker --threads 2 --json
    sudo python -m benchmarks.strangers worker --limit-mb 2048

`page`: milliseconds that a visitor waits for a page, in turn without strangers and
while 500 silent connections go on, and first 60 unfinished uploads of 20 MB, then 45
senders of the slowest pictures that are taken, all from the visitor's own address; they
are a process of their own. `worker`: the largest pictures of each kind that are taken,
all at once. Both say the most memory that the process had (VmHWM of the kernel), to be
compared with the shipped limits. With `--limit-mb` they run in a memory cgroup of that
size, as in a pod, and what the kernel has ended there is counted. With `--share 0.1`
there are a tenth of the strangers, and pictures have a tenth of their width and height.
"""

import argparse
import base64
import http.client
import math
import multiprocessing
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine, memory_mb, percentile, show
from benchmarks.memory_limit import MemoryLimit
from posture.settings import MODELS
from tests.fixtures import images
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import wait_until
from tests.fixtures.page import LivePage, Rows
from tests.fixtures.postgres import running_postgres
from tests.fixtures.worker import WorkerProcess

_SILENT, _SENDERS, _UNFINISHED = 500, 45, 60
_ASKED = ("/", "/table", "/livez")


@cache
def plain(share: float) -> dict[str, bytes]:
    """The largest that are taken, in files of a few kilobytes to a megabyte.

    Or pictures of a `share` of their width and height.
    """
    deep, moving, web = (int(share * side) for side in (4320, 3500, 6100))
    return {
        "PNG": images.png(int(8000 * share), int(6250 * share)),
        "PNG, 16 bits and alpha": images.png(deep, deep, 16, 6),
        "APNG": images.png(moving, moving, 8, 6, animated=True),
        "TIFF, 16 bits and alpha": images.tiff(
            deep, deep, BitsPerSample=16, SamplesPerPixel=4
        ),
        "WebP": images.webp(web, web, lossless=True),
    }


def noisy(share: float) -> dict[str, bytes]:
    """The largest that are taken and full of detail, or a `share` of their size."""
    noise = np.random.default_rng(1).integers(0, 256, (781, 1000, 3), np.uint8)
    whole = np.tile(noise, (8, 8, 1))
    large = whole[: int(share * whole.shape[0]), : int(share * whole.shape[1])]
    return {
        "JPEG": images.saved(large, "JPEG", quality=30),
        "progressive JPEG": images.saved(large, "JPEG", quality=30, progressive=True),
    }


def most_mb(pid: int) -> int:
    """The most memory that a process has had, in MB."""
    return int(memory_mb(pid, "VmHWM"))


def measure_page(
    seconds: float, share: float, limit: MemoryLimit | None
) -> dict[str, Any]:
    """A visitor's waiting with and without strangers, and the page's memory."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres(on_disk=True) as postgres,
        running_mosquitto(Path(folder) / "broker") as broker,
    ):
        with limit.begun_inside() if limit else nullcontext():
            page = LivePage(Path(folder), postgres.environ | broker.environ)
        page.wait_ready()
        rows = Rows(postgres, page.pictures)
        for number in range(50):
            rows.add(f"pi{number:02}")
        wait_until(lambda: page.get("/healthz")[0] == 200, "the page has its rows")
        before = most_mb(page.process.pid)
        took = {"alone": _visit(page.port, seconds)}
        # In turn: unfinished uploads keep slow pictures of their address waiting.
        for kind in ("unfinished", "slow_pictures"):
            with strangers(page, kind, share):
                took[f"with_{kind}"] = _visit(page.port, seconds)
        figures: dict[str, Any] = {}
        for name, times in took.items():
            figures[f"{name}_questions"] = len(times)
            figures[f"{name}_p50_ms"] = round(percentile(times, 0.5), 1)
            figures[f"{name}_p99_ms"] = round(percentile(times, 0.99), 1)
        figures["memory_before_mb"] = before
        figures["memory_most_mb"] = most_mb(page.process.pid)
        figures |= _counted(limit)
        page.stop()
    return figures


def _counted(limit: MemoryLimit | None) -> dict[str, Any]:
    if limit is None:
        return {}
    return {"cgroup_most_mb": limit.most_mb(), "cgroup_kills": limit.kills()}


def _visit(port: int, seconds: float) -> list[float]:
    """Milliseconds of each question of a visitor who asks without a pause."""
    times, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        for path in _ASKED:
            begun = time.perf_counter()
            visitor = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            visitor.request("GET", path)
            visitor.getresponse().read()
            visitor.close()
            times.append(1000 * (time.perf_counter() - begun))
        time.sleep(0.02)
    return times


@contextmanager
def strangers(page: LivePage, kind: str, share: float) -> Iterator[None]:
    """A share of the silent ones and those of a kind, in a process of their own."""
    cookie, token = page.visitor()
    small = list(plain(share).values())
    head = (
        f"POST /send?camera=x HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
        f"X-Token: {token}\r\nContent-Length: "
    )
    process = multiprocessing.Process(
        target=_molest, args=(page.port, head, small, kind, share)
    )
    process.start()
    time.sleep(3)  # all are there
    yield
    process.terminate()
    process.join()


def _molest(port: int, head: str, bombs: list[bytes], kind: str, share: float) -> None:
    unfinished = f"{head}{20 << 20}\r\n\r\n".encode() + bytes(1 << 20)
    sendings = [f"{head}{len(bomb)}\r\n\r\n".encode() + bomb for bomb in bombs]
    uploads = {
        "unfinished": (_UNFINISHED, [unfinished]),
        "slow_pictures": (_SENDERS, sendings),
    }
    for count, said in ((_SILENT, [b""]), uploads[kind]):
        for number in range(math.ceil(share * count)):
            what = said[number % len(said)]
            threading.Thread(target=_say, args=(port, what), daemon=True).start()
    time.sleep(3600)


def _say(port: int, what: bytes) -> None:
    """Say it and wait for an answer, again and again."""
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(what)
            while line.recv(4096):
                pass
        time.sleep(0.2)


def measure_worker(
    model: str, threads: int, copies: int, share: float, limit: MemoryLimit | None
) -> dict[str, Any]:
    """The worker's memory while the largest pictures come from many cameras."""
    pictures = plain(share) | noisy(share)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres(on_disk=True) as postgres,
        running_mosquitto(Path(folder) / "broker") as broker,
    ):
        environ = broker.environ | postgres.environ
        environ |= {"THREADS": str(threads), "MODEL": model}
        with limit.begun_inside() if limit else nullcontext():
            worker = WorkerProcess(Path(folder), environ)
        worker.wait_ready()
        before = most_mb(worker.process.pid)
        begun = time.monotonic()
        payloads = [base64.b64encode(each) for each in pictures.values()] * copies
        broker.publish("images/pi1", *payloads)
        wait_until(lambda: len(postgres.rows()) >= len(payloads), "all rows", 900, 0.5)
        figures = {
            "threads": threads,
            "pictures": len(payloads),
            "seconds": round(time.monotonic() - begun, 1),
            "memory_before_mb": before,
            "memory_most_mb": most_mb(worker.process.pid),
        } | _counted(limit)
        worker.stop()
    return figures


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("what", choices=["page", "worker"])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--model", choices=MODELS, default="full")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--copies", type=int, default=3, help="of each large picture, all at once"
    )
    parser.add_argument(
        "--limit-mb", type=int, help="megabytes of a memory cgroup (needs root)"
    )
    parser.add_argument(
        "--share",
        type=float,
        default=1,
        help="of the pictures' sides, and of strangers",
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(argv)
    limit = MemoryLimit(given.limit_mb) if given.limit_mb else None
    measure: dict[str, Callable[[], dict[str, Any]]] = {
        "page": lambda: measure_page(given.seconds, given.share, limit),
        "worker": lambda: measure_worker(
            given.model, given.threads, given.copies, given.share, limit
        ),
    }
    figures = measure[given.what]()
    if limit:
        limit.remove()
    show(figures | {"machine": machine()}, as_json=given.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
