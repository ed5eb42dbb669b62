"""First answers of the page when nothing of a large table is in memory.

    python -m benchmarks.page_cold --rows 10000000 --json

The database is stopped, its files are dropped from the system's memory, and database
and page are started again; then each address is asked for once, in this order.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, show
from benchmarks.page import fill
from tests.fixtures.net import wait_until
from tests.fixtures.page import LivePage
from tests.fixtures.postgres import Postgres, running_postgres

ASKED = (
    "/office",
    "/cameras",
    "/table",
    "/table?pi=pi7",
    "/table?status=Bad",
    "/table?pi=pi7&status=Bad",
    "/camera?pi=pi7",
    "/camera?pi=pi9",
    "/week?pi=pi7",
)


def measure(rows: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of each first answer: the slowest of so many cold starts."""
    taken: dict[str, list[float]] = {path: [] for path in ASKED}
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres(on_disk=True) as postgres,
    ):
        fill(postgres, rows)
        for _ in range(rounds):
            make_cold(postgres)
            page = LivePage(Path(folder), postgres.environ)
            page.wait_ready()
            for path, time_taken in first_answers(page):
                taken[path].append(time_taken)
            page.stop()
    return {"rows": rows, "rounds": rounds} | {
        f"{path} ms": round(max(times)) for path, times in taken.items()
    }


def first_answers(page: LivePage) -> Iterator[tuple[str, float]]:
    """Milliseconds of each answer, once the page has its database."""
    wait_until(lambda: page.get("/healthz")[0] == 200, "the page is healthy")
    for path in ASKED:
        begun = time.perf_counter()
        if page.get(path)[0] != 200:
            raise SystemExit(f"{path} was not answered")
        yield path, 1000 * (time.perf_counter() - begun)


def make_cold(postgres: Postgres) -> None:
    """Restart the database with nothing of it in memory."""
    postgres.execute("CHECKPOINT")
    postgres.stop()
    subprocess.run(["sync", "--file-system", str(postgres.folder)], check=True)
    for path in postgres.folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
    postgres.start()


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    show(
        measure(arguments.rows, arguments.rounds) | {"machine": machine()},
        as_json=arguments.json,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
