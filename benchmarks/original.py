"""This worker against the way in which the first scripts worked, in turn.

    python -m benchmarks.original --python old/bin/python --rounds 4

They had one thread, the model `heavy`, a commit a picture (`original_worker`). What
they are run by is an environment of their own with the package of then:

    python3.11 -m venv old
    old/bin/pip install mediapipe==0.10.18 paho-mqtt psycopg2-binary

Without `--python` they use the MediaPipe of this environment, which is quicker,
so that the ratio is smaller. Each side has a broker and a database of its own; a
backlog waits in each, and windows are in turn.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.compare import Side
from benchmarks.machine import machine, show
from benchmarks.throughput import PICTURES, ROOT, Table, payloads_of, stack
from posture.models import bundle_path, get_networks
from posture.settings import MODELS, available_cores
from posture.vision.bundle import LANDMARKS
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.postgres import running_postgres
from tests.fixtures.reaper import ends_with_us

SCRIPT = Path(__file__).with_name("original_worker.py")
MODEL = "heavy"
WARM = 4


class Original:
    """The process; it begins when the broker has its subscription."""

    def __init__(self, python: str, folder: Path, environ: dict[str, str]) -> None:
        model = str(bundle_path(ROOT / "models", MODEL))
        self.process = subprocess.Popen(
            [python, "-W", "ignore", str(SCRIPT), model, str(folder)],
            env={"PATH": os.environ["PATH"]} | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        ends_with_us(self.process.pid)
        self.way = self.process.stdout.readline().strip()
        if not self.way:
            raise SystemExit(f"{SCRIPT.name} ended early: try it by hand")

    def signal(self, number: int) -> None:
        """As `WorkerProcess` does."""
        self.process.send_signal(number)

    def end(self) -> None:
        """Make sure it is gone."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def originals(python: str) -> Iterator[tuple]:
    """Broker, database and the process, as `stack` has them."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_mosquitto(Path(folder) / "broker") as broker,
        running_postgres(durable=True) as database,
    ):
        environ = broker.environ | database.environ
        worker = Original(python, Path(folder), environ)
        try:
            with contextlib.closing(Table(database)) as table:
                yield broker, table, worker
        finally:
            worker.end()


def bring_model(python: str) -> None:
    """Put the network `heavy` where the package of then looks before it downloads it.

    With a later package nothing is to be done.
    """
    found = subprocess.run(
        [
            *(python, "-W", "ignore", "-c"),
            "import mediapipe as m; print(hasattr(m, 'solutions'), m.__file__)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    legacy, package = found.stdout.split()[-2:]
    name = f"modules/pose_landmark/pose_landmark_{MODEL}.tflite"
    path = Path(package).parent / name
    if legacy == "True" and not path.exists():
        path.write_bytes(get_networks(MODEL)[LANDMARKS])


def measure(
    python: str, models: list[str], threads: int, rounds: int, seconds: float
) -> dict[str, object]:
    """Rates, processor time, and how many times the original's this worker's are."""
    bring_model(python)
    payloads = payloads_of(PICTURES)
    with contextlib.ExitStack() as running:
        first = Side(running.enter_context(originals(python)))
        sides = {"original": first} | {
            each: Side(running.enter_context(stack(each, threads))) for each in models
        }
        counts = {}
        for name, side in sides.items():
            side.window(payloads, WARM, 0.0)
            side.window(payloads, WARM, 0.0)  # to know how many fill a window
            counts[name] = max(4, round(side.rates[-1] * seconds))
            side.rates.clear()
            side.costs.clear()
        for _ in range(rounds):
            for name, side in sides.items():
                side.window(payloads, counts[name], seconds)
        told = {"original_is": first.parts[2].way, "rounds": rounds, "threads": threads}
        for name, side in sides.items():
            told[f"{name}_per_second"] = round(statistics.median(side.rates), 2)
            told[f"{name}_processor_ms"] = round(min(side.costs), 1)
            if side is not first:
                told[f"{name}_times_original"] = round(_times(side, first), 2)
        return told | {"machine": machine()}


def _times(side: Side, first: Side) -> float:
    pairs = zip(side.rates, first.rates, strict=True)
    return statistics.median(one / other for one, other in pairs)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--python", default=sys.executable, help="of the original")
    parser.add_argument(
        "--models", choices=MODELS, nargs="+", default=["full", MODEL], help="of ours"
    )
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3, help="of a window")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    figures = measure(
        arguments.python,
        arguments.models,
        arguments.threads,
        arguments.rounds,
        arguments.seconds,
    )
    show(figures, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
