"""Which changes of a scene `UNCHANGED` takes for none, and what it saves.

    python -m benchmarks.unchanged --model full

The samples and views in which a person is judged, with noise, in other light, with a
clock, and with a head or a body that turns by some degrees; each against the same scene
with other noise. What moves must not be taken as unchanged; what does not move may be.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.machine import machine, show
from posture.models import bundle_path
from posture.settings import MODELS
from posture.vision.framing import shrunk
from posture.vision.landmark import POINTS, nearest_side
from posture.vision.landmarks import Landmarker
from posture.vision.verdict import judge
from posture.worker.unchanged import is_unchanged, scene_of
from tests.fixtures.scenes import lit, noisy, turned

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "images"
NOISES = (2, 4, 6)  # levels of a pixel
DEGREES = (-5, -3, -2, -1, 1, 2, 3, 5)


def people(landmarker: Landmarker, most: int) -> Iterator[tuple]:
    """Pictures in which somebody is measured, with what was found."""
    count = 0
    for path in sorted(PICTURES.glob("*.jpg")) + sorted(PICTURES.glob("views/*.jpg")):
        image = cv2.imread(str(path))
        seen = shrunk(image, 960)
        found = landmarker.find(seen)
        if judge(found, seen.shape[1], seen.shape[0]).measured:
            count += 1
            yield image, found
        if count == most:
            return


def scenes(image, found) -> Iterator[tuple[str, np.ndarray]]:
    """Kinds of change, and the scene after each."""
    height, width = image.shape[:2]
    ear, shoulder, hip = (
        np.array((found[i].x * width, found[i].y * height))
        for i in POINTS[nearest_side(found)]
    )
    head, trunk = np.linalg.norm(shoulder - ear), np.linalg.norm(hip - shoulder)
    yield "nothing", image
    for gain in (0.97, 1.03, 1.5):
        yield f"light x {gain}", lit(image, gain)
    clock = image.copy()
    left = np.mean([each.x for each in found]) > 0.5
    cv2.circle(clock, (30 if left else width - 30, 40), 14, (0, 0, 255), -1)
    yield "a clock, 28 pixels wide", clock
    for by in (1, 2, 4):
        yield f"camera moved by {by} pixels", np.roll(image, by, axis=1)
    for degrees in DEGREES:
        nods = turned(image, shoulder, ear, 1.6 * head, degrees)
        leans = turned(image, hip, shoulder, 1.6 * trunk, degrees)
        yield f"head by {abs(degrees)} degrees", nods
        yield f"body by {abs(degrees)} degrees", leans


def measure(model: str, most: int, noises: Sequence[int]) -> dict[str, object]:
    """By kind of change: how many of how many were taken as unchanged."""
    landmarker = Landmarker(bundle_path(ROOT / "models", model))
    counts: dict[str, list[int]] = {}
    spent = [0.0, 0.0]
    for image, found in people(landmarker, most):
        for noise in noises:
            before = scene_of(shrunk(noisy(image, noise, 1), 960))
            for kind, after in scenes(image, found):
                seen = shrunk(noisy(after, noise, 2), 960)
                begun = time.process_time()
                same = is_unchanged(before, scene_of(seen), found)
                spent[0] += time.process_time() - begun
                spent[1] += 1
                count = counts.setdefault(kind, [0, 0])
                count[0] += same
                count[1] += 1
    return {
        "model": model,
        "ms of a comparison": round(spent[0] / spent[1] * 1000, 2),
        "machine": machine(),
    } | {kind: f"{same} of {all_} unchanged" for kind, (same, all_) in counts.items()}


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--model", choices=MODELS, default="full")
    parser.add_argument("--people", type=int, default=40, help="pictures, at most")
    parser.add_argument("--noises", type=int, nargs="+", default=NOISES)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    cv2.setNumThreads(1)
    told = measure(arguments.model, arguments.people, arguments.noises)
    show(told, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
