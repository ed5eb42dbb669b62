"""The live page: queries on a large table, a new row to the screen, and what it costs.

    python -m benchmarks.page queries --rows 10000000 --json
    python -m benchmarks.page screen --json
    python -m benchmarks.page load --cameras 50 --pages 20 --json

`queries` fills a PostgreSQL with rows of 50 cameras at one a second, adds the optional
indexes, and asks what the page asks. `screen` looks with a real Chromium. `load` reads
the news of so many pages, and fetches as many pictures for each as the page's script
does (ten a second), while rows come in; the readers are a process of their own.
"""

import argparse
import http.client
import json
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import machine, percentile, show
from page import history
from page.history import Wish
from page.rows import Rows as Table
from posture.settings import DatabaseSettings
from tests.fixtures.chromium import running_chromium
from tests.fixtures.page import LivePage, Rows
from tests.fixtures.postgres import running_postgres
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ROOT

_CAMERAS = 50
_FILL = """
INSERT INTO posture_log (pi_id, filename, received_time, analyzed_time, neck_angle,
    body_angle, posture_status, landmarks_detected, processed_by)
SELECT 'pi' || n % {cameras}, n || '.jpg', t, t + interval '45 ms', n % 90, n % 40,
    (ARRAY['Good', 'Bad', 'Good', 'No_Landmarks_Detected'])[n % 4 + 1], n % 4 < 3,
    'jetson1'
FROM (SELECT n, now() AT TIME ZONE 'utc' - ({rows} - n) * interval '1 s' / {cameras}
    AS t FROM generate_series(1, {rows}) AS n) AS filled
"""


def measure_queries(rows: int) -> dict[str, Any]:
    """Milliseconds of each of the page's questions: median and slowest of 15."""
    with running_postgres(on_disk=True) as postgres:
        indexes = fill(postgres, rows)
        table = Table(settings_from(DatabaseSettings, postgres.environ))
        figures = {name: _times(ask) for name, ask in _questions(table, rows).items()}
    return {"rows": rows, "indexes_built_s": round(indexes, 1)} | figures


def fill(postgres: Any, rows: int) -> float:
    """So many rows, and the page's indexes; gives the seconds that those took."""
    postgres.execute(_FILL.format(rows=rows, cameras=_CAMERAS))
    begun = time.perf_counter()
    postgres.execute((ROOT / "deploy" / "posture_log_page.sql").read_text())
    took = time.perf_counter() - begun
    postgres.execute("VACUUM ANALYZE posture_log")
    return took


def _questions(table: Table, rows: int) -> dict[str, Callable[[], object]]:
    end = datetime.now(UTC)
    begin = end - timedelta(days=1)
    week = end - timedelta(seconds=rows / _CAMERAS / 2)
    none = "Partial_Landmarks_Detected"
    asked = {
        "table": Wish(),
        "by_camera": Wish(pi="pi7"),
        "by_status": Wish(status="Bad"),
        "by_camera_and_rare_status": Wish(pi="pi7", status=none),
        "by_times_and_status": Wish(status="Bad", since=week, until=begin),
        "far_back": Wish(before=(week, 1)),
    }
    found: dict[str, Callable[[], object]] = {
        f"{name}_ms": lambda wish=wish: history.find(table, wish)
        for name, wish in asked.items()
    }
    return found | {
        "newest_of_each_ms": table.newest_of_each,
        "look_for_new_rows_ms": lambda: table.after(rows),
        "day_of_a_camera_ms": lambda: history.day(table, "pi7", begin, end),
        "chunk_of_export_ms": lambda: history.find(table, Wish(pi="pi7"), 5000),
    }


def _times(ask: Callable[[], object], runs: int = 15) -> dict[str, float]:
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        ask()
        times.append((time.perf_counter() - begun) * 1000)
    return {
        "first": round(times[0], 1),
        "median": round(statistics.median(times), 1),
        "slowest": round(max(times), 1),
    }


def measure_screen(runs: int) -> dict[str, Any]:
    """From a committed row to its picture on the screen; first paint of a new tab."""
    seen, paints = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres(on_disk=True) as postgres,
        running_chromium() as chromium,
    ):
        page = LivePage(Path(folder), postgres.environ)
        page.wait_ready()
        rows = Rows(postgres, page.pictures)
        for n in range(16):
            rows.add(f"pi{n}")
        for _ in range(runs):
            with chromium.new_context() as context:
                tab = context.new_page()
                tab.goto(f"{page.address}/cameras")
                tab.wait_for_selector("li[data-pi=pi1] img")
                paints.append(tab.evaluate(_PAINT))
                tab.wait_for_timeout(500)
                begun = time.perf_counter()
                number = rows.add("pi1", "Bad", 50, 30)
                tab.wait_for_selector(f"img[src='/picture/{number}.jpg']")
                seen.append((time.perf_counter() - begun) * 1000)
        page.stop()
    return {
        "runs": runs,
        "row_to_screen_ms": _summary(seen),
        "first_paint_ms": _summary(paints),
    }


_PAINT = (
    "new Promise(done => new PerformanceObserver(list => done("
    "list.getEntries()[0].startTime)).observe({type: 'paint', buffered: true}))"
)


def _summary(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values)),
        "p95": round(percentile(values, 0.95)),
        "slowest": round(max(values)),
    }


def measure_load(cameras: int, pages: int, seconds: float) -> dict[str, Any]:
    """Share of a core that the page's process uses."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres(on_disk=True) as postgres,
    ):
        page = LivePage(Path(folder), postgres.environ)
        page.wait_ready()
        rows = Rows(postgres, page.pictures)
        for n in range(cameras):
            rows.add(f"pi{n:02}")
        process = psutil.Process(page.process.pid)
        fetched = multiprocessing.Value("l", 0)
        readers = multiprocessing.Process(
            target=read_pages, args=(page.port, pages, seconds + 8, fetched)
        )
        readers.start()
        writer = threading.Thread(
            target=_write, args=(postgres, cameras, seconds + 6), daemon=True
        )
        writer.start()
        time.sleep(4)  # every page is open
        before, count, begun = process.cpu_times(), fetched.value, time.monotonic()
        time.sleep(seconds)
        after, spent = process.cpu_times(), time.monotonic() - begun
        figures = {
            "cameras": cameras,
            "pages": pages,
            "seconds": seconds,
            "share_of_a_core": round(
                (after.user + after.system - before.user - before.system) / spent, 3
            ),
            "pictures_fetched_a_second": round((fetched.value - count) / spent, 1),
            "resident_mb": process.memory_info().rss >> 20,
        }
        writer.join()
        readers.join()
        page.stop()
    return figures


def _write(postgres: Any, cameras: int, seconds: float) -> None:
    """One row of each camera a second, spread over the second."""
    statement = (
        "INSERT INTO posture_log (pi_id, filename, received_time, analyzed_time, "
        "neck_angle, body_angle, posture_status) SELECT %s, '0.jpg', t, t, 12, 4, "
        "'Good' FROM (SELECT now() AT TIME ZONE 'utc' AS t) AS moment"
    )
    connection = postgres.connect()
    begun = time.monotonic()
    with connection.cursor() as cursor:
        for n in range(int(seconds * cameras)):
            cursor.execute(statement, (f"pi{n % cameras:02}",))
            time.sleep(max(0.0, begun + n / cameras - time.monotonic()))
    connection.close()


def read_pages(port: int, pages: int, seconds: float, fetched: Any) -> None:
    """Do for so many seconds what so many open pages do; counts their pictures."""
    threads = [
        threading.Thread(target=_read_page, args=(port, seconds, fetched))
        for _ in range(pages)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _read_page(port: int, seconds: float, fetched: Any) -> None:
    """What the page's script does: news, and ten pictures a second, oldest first."""
    news = http.client.HTTPConnection("127.0.0.1", port)
    pictures = http.client.HTTPConnection("127.0.0.1", port)
    news.request("GET", "/live")
    stream = news.getresponse()
    until, rest = time.monotonic() + seconds, 0.0
    waiting: dict[str, str] = {}
    while (line := stream.readline()) and time.monotonic() < until:
        if not line.startswith(b"data: "):
            continue
        for tile in json.loads(line[6:])["tiles"]:
            name = tile.partition('data-pi="')[2].partition('"')[0]
            waiting.pop(name, None)
            waiting[name] = tile.partition('src="')[2].partition('"')[0]
        while waiting and time.monotonic() >= rest:
            pictures.request("GET", waiting.pop(next(iter(waiting))))
            pictures.getresponse().read()
            # Kept on average although the news come in steps of a fifth of a second.
            rest = max(rest, time.monotonic() - 0.2) + 0.1
            with fetched.get_lock():
                fetched.value += 1
    news.close()
    pictures.close()


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("what", choices=["queries", "screen", "load"])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--cameras", type=int, default=50)
    parser.add_argument("--pages", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    measure: dict[str, Callable[[], dict[str, Any]]] = {
        "queries": lambda: measure_queries(arguments.rows),
        "screen": lambda: measure_screen(arguments.runs),
        "load": lambda: measure_load(
            arguments.cameras, arguments.pages, arguments.seconds
        ),
    }
    show(measure[arguments.what]() | {"machine": machine()}, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
