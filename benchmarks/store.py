"""What each STORE keeps of a picture, and what that costs: milliseconds and bytes.

    python -m benchmarks.store --width 1280 --json

`ms` is the processor time of everything after the verdict, the annotation and the JPEG
included, on the sample pictures; landmarks are found once, before. `ms_over_full` is
the median of the differences to `full` on the same picture, the four measured in turn.
`offline_ms` is what finding the landmarks costs more in a thread that is kept offline.
"""

import argparse
import statistics
import threading
import time
from pathlib import Path

import cv2

from benchmarks.machine import machine, show
from posture.models import bundle_path
from posture.settings import STORES
from posture.vision import analyze
from posture.vision.landmark import Landmark
from posture.vision.landmarks import Landmarker
from posture.vision.payload import Image
from posture.vision.verdict import Verdict, judge
from posture.worker.seccomp import go_offline

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "images"


def samples(
    width: int, landmarker: Landmarker
) -> list[tuple[Image, list[Landmark], Verdict]]:
    """Pixels, landmarks and verdict of every sample, so wide."""
    found = []
    for path in sorted(PICTURES.glob("*.jpg")):
        image = cv2.imread(str(path))
        height = round(image.shape[0] * width / image.shape[1])
        image = cv2.resize(image, (width, height))
        landmarks = landmarker.find(image)
        found.append((image, landmarks, judge(landmarks, width, height)))
    return found


def timed(image, landmarks, verdict, store: str) -> tuple[float, int]:
    """Milliseconds and bytes of one picture."""
    copy = image.copy()
    begun = time.process_time()
    file = analyze.picture_of(copy, landmarks, verdict, analyze.Rules(store=store))
    return (time.process_time() - begun) * 1000, len(file)


def measure_stores(width: int, rounds: int, landmarker: Landmarker) -> dict:
    """Figures by what is kept."""
    milliseconds = {store: [] for store in STORES}
    over = {store: [] for store in STORES}
    sizes = {store: [] for store in STORES}
    for each in samples(width, landmarker) * rounds:
        took = {}
        for store in STORES:
            took[store], size = timed(*each, store)
            milliseconds[store].append(took[store])
            sizes[store].append(size)
        for store in STORES:
            over[store].append(took[store] - took["full"])
    return {
        store: {
            "ms": round(statistics.median(milliseconds[store]), 2),
            "ms_over_full": round(statistics.median(over[store]), 2),
            "kilobytes": round(statistics.mean(sizes[store]) / 1000, 1),
        }
        for store in STORES
    }


def measure_offline(rounds: int, landmarker: Landmarker) -> float:
    """Milliseconds that `find` takes longer in a thread that is offline, in turn."""
    image = cv2.imread(str(PICTURES / "good_1280_000.jpg"))
    landmarker.find(image)
    differences = []

    def find() -> None:
        begun = time.process_time()
        landmarker.find(image)
        took.append((time.process_time() - begun) * 1000)

    def find_offline() -> None:
        go_offline()
        find()

    for number in range(rounds * 2):
        took: list[float] = []
        pair = (find, find_offline) if number % 2 else (find_offline, find)
        for target in pair:
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
        free, offline = took if number % 2 else took[::-1]
        differences.append(offline - free)
    return round(statistics.median(differences), 3)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    landmarker = Landmarker(bundle_path(ROOT / "models", "lite"))
    figures = {"width": arguments.width, "pictures": arguments.rounds * 16}
    figures |= measure_stores(arguments.width, arguments.rounds, landmarker)
    figures["offline_ms"] = measure_offline(arguments.rounds, landmarker)
    show(figures | {"machine": machine()}, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
