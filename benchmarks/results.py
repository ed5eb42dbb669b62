"""What publishing results costs the worker, in processor time for each picture.

    python -m benchmarks.results --seconds 20 --json

`hook` is what the recorder does beside its own work; `thread` is what the thread does
that talks with the broker, a real one, with descriptions for Home Assistant. Processor
time, because a machine that is busy with other things does not change it much.
"""

import argparse
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import machine, show
from posture.results.publish import Results
from posture.results.settings import ResultSettings
from posture.store.row import Row
from tests.fixtures.broker import broker_settings
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.settings import read_settings


def cost(cameras: int, rate: float, batch: int, seconds: float) -> dict[str, float]:
    """Microseconds for each picture, in the recorder's thread and in the other one."""
    settings = read_settings(ResultSettings, publish="true", discovery="homeassistant")
    working = threading.Event()
    working.set()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_mosquitto(Path(folder)) as broker,
    ):
        results = Results(broker_settings(broker.port), settings, "worker")
        results.start(working)
        whole, main_thread = time.process_time(), time.thread_time()
        hook, done, begun = 0.0, 0, time.monotonic()
        while (passed := time.monotonic() - begun) < seconds:
            if done > passed * rate:
                time.sleep(batch / rate / 10)
                continue
            rows = [_row(f"pi{(done + each) % cameras}") for each in range(batch)]
            before = time.thread_time()
            results.offer(rows)
            hook += time.thread_time() - before
            done += batch
        main_thread = time.thread_time() - main_thread
        whole = time.process_time() - whole
        results.finish(5)
    name = f"{cameras}_cameras_batch_{batch}"
    return {
        f"hook_us_{name}": round(hook / done * 1e6, 1),
        f"thread_us_{name}": round((whole - main_thread) / done * 1e6, 1),
    }


def _row(pi: str) -> Row:
    now = datetime.now(UTC).replace(tzinfo=None)
    return Row(pi, f"{pi}_{'0' * 64}.jpg", now, now, 30, 10, "Good", True, "node")


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=20, help="of each figure")
    parser.add_argument("--rate", type=float, default=70, help="pictures a second")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(argv)
    figures = machine() | {"pictures_per_second": arguments.rate}
    for cameras, batch in ((1, 1), (50, 1), (50, 10)):
        figures |= cost(cameras, arguments.rate, batch, arguments.seconds)
    show(figures, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
