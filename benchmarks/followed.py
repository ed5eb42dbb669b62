"""Cameras before people who sit still: what TRACK and UNCHANGED make of a worker.

    python -m benchmarks.followed --model full --rounds 6

Workers with a broker and a database each, all alive at once, and bare MediaPipe with
the published bundle, in turn. Each camera sends the same scene with other noise, and
with `--move` up to so many pixels to one side, the cameras in turn.
"""

import argparse
import base64
import contextlib
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import paho.mqtt.client as mqtt

from benchmarks.machine import machine, processor_time, show
from benchmarks.throughput import PICTURES, ROOT, Bare, stack
from posture.models import bundle_path
from posture.settings import MODELS, available_cores
from tests.fixtures.models import published
from tests.fixtures.scenes import noisy

CAMERAS = 4
SCENES = ("good", "slouch", "forward")
FRAMES = 12  # of a camera; they come again in the same order
WORKERS = {
    "alone": {},
    "followed": {"TRACK": str(CAMERAS)},
    "unchanged": {"UNCHANGED": "60"},
}


def frames_of(move: int, most: int) -> list[list[bytes]]:
    """Payloads of each camera, at most so many."""
    paths = [p for p in sorted(PICTURES.glob("*.jpg")) if p.name.startswith(SCENES)]
    frames = min(FRAMES, most)
    return [[*_scene(path, move, frames)] for path in paths[:CAMERAS]]


def _scene(path: Path, move: int, frames: int) -> Iterator[bytes]:
    chance = np.random.default_rng(21)
    image = np.asarray(cv2.imread(str(path)))
    for number in range(frames):
        aside = np.roll(image, chance.integers(-move, move + 1), axis=1)
        seen = noisy(aside, 3, number)
        file = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
        yield base64.b64encode(file.tobytes())


def window(parts, frames: list[list[bytes]], count: int) -> float:
    """Pictures a second while a backlog of all cameras, in turn, is worked off."""
    broker, table, worker = parts
    before = table.count()
    worker.signal(signal.SIGSTOP)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    sent = []
    for number in range(count):
        camera, turn = number % len(frames), number // len(frames)
        payload = frames[camera][turn % len(frames[camera])]
        sent.append(client.publish(f"images/camera{camera}", payload, qos=1))
    for each in sent:
        each.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()
    begun = time.monotonic()
    worker.signal(signal.SIGCONT)
    table.wait_for(before + count, 0.02)
    return count / (time.monotonic() - begun)


def measure(
    model: str, rounds: int, count: int, seconds: float, move: int
) -> dict[str, object]:
    """Medians, by worker."""
    frames, threads = frames_of(move, -(-count // CAMERAS)), available_cores()
    with contextlib.ExitStack() as running:
        bares = {
            "official": Bare(published(model), threads),
            "own": Bare(bundle_path(ROOT / "models", model), threads),
        }
        for each in bares.values():
            running.callback(each.close)
        stacks = {
            name: running.enter_context(stack(model, threads, settings))
            for name, settings in WORKERS.items()
        }
        rates: dict[str, list[float]] = {name: [] for name in (*stacks, *bares)}
        costs: dict[str, list[float]] = {name: [] for name in stacks}
        for number in range(1 + rounds):  # the first one warms
            names = [*stacks]
            for name in names if number % 2 else reversed(names):
                parts = stacks[name]
                process = parts[2].process.pid
                before = processor_time(process)
                rates[name].append(window(parts, frames, count))
                costs[name].append((processor_time(process) - before) / count)
            for name, bare in bares.items():
                rates[name].append(bare.per_second(seconds))
    return figures(rates, costs) | {"model": model, "machine": machine()}


def figures(
    rates: dict[str, list[float]], costs: dict[str, list[float]]
) -> dict[str, object]:
    """What is told; the first round does not count."""
    told: dict[str, object] = {}
    for name, each in rates.items():
        told[f"{name}, a second"] = round(statistics.median(each[1:]), 1)
    for name, each in costs.items():
        told[f"{name}, ms of processor time"] = round(statistics.median(each[1:]), 1)
        for bare in ("official", "own"):
            both = zip(rates[name][1:], rates[bare][1:], strict=True)
            told[f"{name}, of bare ({bare} bundle)"] = round(
                statistics.median(one / other for one, other in both), 2
            )
    return told


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--model", choices=MODELS, default="full")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--count", type=int, default=160, help="pictures of a window")
    parser.add_argument("--seconds", type=float, default=2, help="of a bare window")
    parser.add_argument("--move", type=int, default=0, help="pixels")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    told = measure(
        arguments.model,
        arguments.rounds,
        arguments.count,
        arguments.seconds,
        arguments.move,
    )
    show(told, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
