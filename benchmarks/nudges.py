"""How long one look for nudges takes on a large table.

    python -m benchmarks.nudges --rows 2000000 --json

50 cameras send a picture a second each; the table is in a real PostgreSQL, without and
then with the optional indexes.
"""

import argparse
import statistics
import time
from datetime import UTC, datetime, timedelta

from benchmarks.machine import machine, show
from nudge.memory import Memory
from nudge.settings import NudgeSettings
from nudge.watch import look
from page.rows import Rows
from tests.fixtures.postgres import TABLE, Postgres, running_postgres
from tests.fixtures.settings import settings_from

CAMERAS = 50
_FILL = """
INSERT INTO posture_log (pi_id, received_time, posture_status)
SELECT 'pi' || n % {cameras},
    timestamp '{end}' - interval '1 second' * (({rows} - n) / {cameras}),
    (ARRAY['Good', 'Bad', 'No_Landmarks_Detected'])[1 + n % 7 % 3]
FROM generate_series(1, {rows}) AS n"""


def median_ms(database: Postgres, now: datetime) -> float:
    """Milliseconds of a look, median of nine."""
    settings = settings_from(NudgeSettings, database.environ)
    rows, times = Rows(settings.database), []
    for _ in range(10):
        begun = time.perf_counter()
        look(settings, rows, Memory(), lambda _nudge: True, now)
        times.append(time.perf_counter() - begun)
    return round(statistics.median(times[1:]) * 1000, 1)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(argv)
    now = datetime.now(UTC)
    figures = machine() | {"rows": arguments.rows, "cameras": CAMERAS}
    with running_postgres(on_disk=True) as database:
        end = f"{now - timedelta(seconds=1):%F %T}"
        database.execute(_FILL.format(cameras=CAMERAS, end=end, rows=arguments.rows))
        database.execute("ANALYZE posture_log")
        figures["look_ms"] = median_ms(database, now)
        database.execute(TABLE.with_name("posture_log_page.sql").read_text())
        database.execute("ANALYZE posture_log")
        figures["look_ms_with_indexes"] = median_ms(database, now)
    show(figures, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
