"""Bare MediaPipe, as anyone would write it: a process of its own for the comparison.

Loads one landmarker a thread and decodes the pictures, and prints `ready`. For each
number of seconds on its standard input it detects on all threads for that long, and
prints the pictures per second. For `idle COUNT PAUSE` it detects so many times in one
thread, after so many seconds of doing nothing each time, and prints the milliseconds.
"""

import sys
import threading
import time
from pathlib import Path

import cv2
import mediapipe as mp
from mediapipe.tasks.python.core.base_options import BaseOptions
from mediapipe.tasks.python.vision import PoseLandmarker, PoseLandmarkerOptions


def main() -> int:
    """Serve measurements until the standard input ends."""
    model, threads, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    options = PoseLandmarkerOptions(base_options=BaseOptions(model_asset_path=model))
    tasks = [PoseLandmarker.create_from_options(options) for _ in range(threads)]
    pictures = [
        cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        for path in sorted(folder.glob("*.jpg"))
    ]
    for task in tasks:
        _detect(task, pictures[0])
    print("ready", flush=True)
    for line in sys.stdin:
        if line.startswith("idle"):
            _, count, pause = line.split()
            print(*_waits(tasks[0], pictures, int(count), float(pause)), flush=True)
        else:
            print(_per_second(tasks, pictures, float(line)), flush=True)
    return 0


def _detect(task, picture) -> None:
    task.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=picture))


def _waits(task, pictures, count: int, pause: float) -> list[float]:
    waits = []
    for number in range(count):
        time.sleep(pause)
        begun = time.perf_counter()
        _detect(task, pictures[number % len(pictures)])
        waits.append((time.perf_counter() - begun) * 1000)
    return waits


def _per_second(tasks, pictures, seconds: float) -> float:
    counts = [0] * len(tasks)
    until = time.monotonic() + seconds

    def work(number: int) -> None:
        while time.monotonic() < until:
            _detect(tasks[number], pictures[(counts[number] + number) % len(pictures)])
            counts[number] += 1

    begun = time.monotonic()
    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - begun)


if __name__ == "__main__":
    raise SystemExit(main())
