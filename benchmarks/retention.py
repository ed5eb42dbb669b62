"""Deleting from a large table, and how long a worker waits for its rows meanwhile.

    python -m benchmarks.retention --rows 10000000 --json

Rows of 50 cameras over a year, no index but the primary key. `forget` deletes a day of
one camera, `prune` everything older than 11 months. A row is written ten times a second
all the while; `insert` is how long the slowest took, alone and then meanwhile.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.machine import machine, show
from posture.settings import DatabaseSettings, ForgetSettings
from posture.store.kept_files import Period
from posture.store.kept_rows import KeptRows
from posture.store.posture_log import PostureLog
from posture.store.retention import forget, prune_rows
from posture.store.row import Row
from tests.fixtures.postgres import Postgres, running_postgres
from tests.fixtures.settings import settings_from

FILL = """
INSERT INTO posture_log (pi_id, filename, received_time, posture_status)
SELECT 'desk' || n %% 50, 'desk' || n %% 50 || '_' || md5(n::text) || '.jpg',
    now() AT TIME ZONE 'UTC' - (%(rows)s - n) * interval '1 year' / %(rows)s, 'Good'
FROM generate_series(1, %(rows)s) AS n"""


class Writer:
    """Writes a row ten times a second, as a worker does."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._table = PostureLog(settings)
        self._end = threading.Event()
        self.slowest = 0.0
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        number = 0
        while not self._end.wait(0.1):
            number += 1
            now = datetime.now(UTC).replace(tzinfo=None)
            name = f"new_{number:032x}.jpg"
            row = Row("new", name, now, now, 1, 1, "Good", True, "benchmark")
            begun = time.perf_counter()
            self._table.write([row])
            self.slowest = max(self.slowest, time.perf_counter() - begun)

    def end(self) -> float:
        """Stop; gives the longest wait in milliseconds."""
        self._end.set()
        self._thread.join()
        return round(self.slowest * 1000, 1)


def measured(
    settings: DatabaseSettings, do: Callable[[], object]
) -> tuple[float, float]:
    """Seconds that it takes, and the slowest row in milliseconds."""
    writer = Writer(settings)
    begun = time.perf_counter()
    do()
    seconds = round(time.perf_counter() - begun, 2)
    return seconds, writer.end()


def measure(database: Postgres, rows: int, folder: Path) -> dict[str, object]:
    """All figures."""
    with database.connect() as connection, connection.cursor() as cursor:
        cursor.execute(FILL, {"rows": rows})
        cursor.execute("ANALYZE posture_log")
    database.execute("GRANT DELETE ON posture_log TO analyzer")
    environ = database.environ | {"PICTURES_FOLDER": str(folder)}
    settings = settings_from(
        ForgetSettings, environ | {"QUARANTINE_FOLDER": str(folder)}
    )
    kept = KeptRows(PostureLog(settings.database))
    now = datetime.now(UTC)
    day = Period(now - timedelta(days=101), now - timedelta(days=100))
    _, alone = measured(settings.database, lambda: time.sleep(10))
    gone = []
    one, one_slowest = measured(
        settings.database,
        lambda: gone.append(forget(kept, settings, "desk7", day).rows),
    )
    year, year_slowest = measured(
        settings.database, lambda: gone.append(prune_rows(kept, 335, now))
    )
    return {
        "rows": rows,
        "forget_rows": gone[0],
        "forget_s": one,
        "prune_rows": gone[1],
        "prune_s": year,
        "insert_alone_ms": alone,
        "insert_during_forget_ms": one_slowest,
        "insert_during_prune_ms": year_slowest,
    }


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres(on_disk=True) as database,
    ):
        figures = measure(database, arguments.rows, Path(folder))
    show(figures | {"machine": machine()}, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
