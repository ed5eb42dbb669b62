"""What the worker's metrics cost a picture, and what a scrape costs.

    python -m benchmarks.telemetry --json

The call that the recorder makes for each picture, on what counts (`told`) and on the
stand-in that is there without METRICS_PORT (`untold`), in turn; the best of the rounds,
for other work on the machine only ever adds. `told_2_threads` has another thread do the
same at the same time. A scrape is the making of its text.
"""

import argparse
import subprocess
import sys
import threading
import time

from prometheus_client import generate_latest

from benchmarks.machine import machine, show
from posture.vision.verdict import Status, Verdict
from posture.worker.events import Events
from posture.worker.metrics import Telemetry

VERDICT = Verdict(Status.GOOD, 20, 5, "left")
PICTURES = 20_000


def pictures(events: Events, count: int = PICTURES) -> None:
    """What the recorder says of so many pictures."""
    for _ in range(count):
        events.recorded(VERDICT, 0.03, 0.2)


def microseconds(events: Events) -> float:
    """Per picture."""
    begun = time.perf_counter()
    pictures(events)
    return (time.perf_counter() - begun) / PICTURES * 1e6


def beside_another(events: Events) -> float:
    """Per picture, while another thread counts too."""
    other = threading.Thread(target=pictures, args=(events,))
    other.start()
    taken = microseconds(events)
    other.join()
    return taken


def scrape(telemetry: Telemetry) -> float:
    """Milliseconds of a scrape."""
    begun = time.perf_counter()
    generate_latest(telemetry.registry)
    return (time.perf_counter() - begun) * 1e3


def import_time() -> float:
    """Milliseconds that the client library adds to the start."""
    code = (
        "import time, posture.settings, posture.worker.events; "
        "t = time.perf_counter(); "
        "import posture.worker.metrics; print(time.perf_counter() - t)"
    )
    command = [sys.executable, "-c", code]
    return float(subprocess.run(command, capture_output=True, check=True).stdout) * 1e3


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(argv)
    telemetry, nobody = Telemetry("node", "full"), Events()
    rounds = [
        (
            microseconds(nobody),
            microseconds(telemetry),
            beside_another(telemetry),
            scrape(telemetry),
            import_time(),
        )
        for _ in range(arguments.rounds)
    ]
    untold, told, both, scraped, imported = map(min, zip(*rounds, strict=True))
    figures = {
        "untold_us_per_picture": round(untold, 2),
        "told_us_per_picture": round(told, 2),
        "told_2_threads_us_per_picture": round(both, 2),
        "scrape_ms": round(scraped, 2),
        "import_ms": round(imported, 1),
        "rounds": arguments.rounds,
        "pictures_per_round": PICTURES,
    }
    show(figures | machine(), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
