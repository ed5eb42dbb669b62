"""The week of a place and of the office, on a table without the optional indexes.

    python -m benchmarks.page_weeks --rows 400000 --json

Rows of eight cameras, a picture every 15 s on working days, end now. Each page is asked
for over HTTP; `office` is worked out once, so its first answer is the one that costs.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, show
from tests.fixtures.page import LivePage
from tests.fixtures.postgres import running_postgres

_CAMERAS = 8
_A_DAY = 2400  # rows of a camera: ten hours, one in 15 s
_FILL = """
INSERT INTO posture_log (pi_id, filename, received_time, analyzed_time, neck_angle,
    body_angle, posture_status, landmarks_detected, processed_by)
SELECT 'desk' || n % {cameras}, n || '.jpg', t, t + interval '45 ms', n % 90, n % 40,
    (ARRAY['Good', 'Bad', 'Good', 'No_Landmarks_Detected'])[n / 97 % 4 + 1],
    n / 97 % 4 < 3, 'jetson1'
FROM (SELECT n, now() AT TIME ZONE 'utc'
    - ({rows} - n) / {cameras} / {a_day} * interval '1 day'
    - ({rows} - n) / {cameras} % {a_day} * interval '15 s' AS t
    FROM generate_series(1, {rows}) AS n) AS filled
"""


def measure(rows: int, runs: int) -> dict[str, Any]:
    """Milliseconds from a question to the end of its answer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres(on_disk=True) as postgres,
    ):
        postgres.execute(_FILL.format(rows=rows, cameras=_CAMERAS, a_day=_A_DAY))
        postgres.execute("VACUUM ANALYZE posture_log")
        page = LivePage(Path(folder), postgres.environ)
        page.wait_ready()
        try:
            return {
                "rows": rows,
                "week_ms": _times(page, "/week?pi=desk3", runs),
                "office_ms": _times(page, "/office", runs),
            }
        finally:
            page.stop()


def _times(page: LivePage, path: str, runs: int) -> dict[str, float]:
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        status, _headers, _text = page.get(path)
        times.append((time.perf_counter() - begun) * 1000)
        assert status == 200, (path, status)  # noqa: S101 - else it measures nothing
    return {
        "first": round(times[0], 1),
        "median": round(statistics.median(times), 1),
        "slowest": round(max(times), 1),
    }


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    show(
        measure(arguments.rows, arguments.runs) | {"machine": machine()},
        as_json=arguments.json,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
