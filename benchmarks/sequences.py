"""A camera's pictures followed, against each looked at by itself: right, and how fast.

    python -m benchmarks.sequences --model full --json

The sequences are made from the rendered samples: somebody who sits, with small
movements, noise and light that changes; who leaves and comes back; two who swap places;
a camera that is moved; somebody restless; another picture each time. Every fourth
picture comes out of order. Right is what the sample's label says. Processor time, for a
machine that is busy changes it little.
"""

import argparse
import json
import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np

from benchmarks.accuracy_tables import is_right
from benchmarks.machine import machine, show
from posture.models import bundle_path
from posture.settings import MODELS
from posture.vision.framing import shrunk
from posture.vision.landmarks import Landmarker
from posture.vision.verdict import judge
from posture.worker.trackers import Trackers

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "images"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
Frame = tuple[str, np.ndarray]


# What is seen at place n of a sequence: one person, another, or nobody; mirrored or
# not; and by how many pixels it may have moved.
KINDS = {
    "sitting": lambda n, chance: ("one", False, 6),
    "leaving": lambda n, chance: ("nobody" if n // 5 % 2 else "one", False, 6),
    "swapping": lambda n, chance: ("other" if n // 4 % 2 else "one", False, 6),
    "camera moved": lambda n, chance: ("one", n // 6 % 2 == 1, 6),
    "restless": lambda n, chance: ("one", False, 60),
    "everything": lambda n, chance: (
        str(chance.choice(["one", "other", "nobody"])),
        bool(chance.integers(2)),
        60,
    ),
}


def sequences_of(
    kind: str, length: int, samples: dict, people: list, empty: list
) -> Iterator[list[Frame]]:
    """Every sequence of a kind: the sample's name of each frame, and its pixels."""
    chance = np.random.default_rng(21)
    for number, one in enumerate(people):
        who = {
            "one": one,
            "other": people[(number + 1) % len(people)],
            "nobody": empty[number % len(empty)],
        }
        frames = []
        for place in range(length):
            whose, mirrored, by = KINDS[kind](place, chance)
            name = who[whose]
            frames.append((name, _seen(samples[name], chance, by, mirrored)))
        yield frames


def _seen(image, chance, by: int, mirrored: bool):
    """The scene a little to one side, with noise, in another light."""
    shift = chance.integers(-by, by + 1, 2)
    size = image.shape[1], image.shape[0]
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    moved = cv2.warpAffine(image, move, size, borderMode=cv2.BORDER_REPLICATE)
    if mirrored:
        moved = cv2.flip(moved, 1)
    noise = chance.normal(0, 4, image.shape) + chance.normal(0, 6)
    return np.clip(moved + noise, 0, 255).astype(np.uint8)


def verdict_of(find, image):
    """Status, and the body's and neck's angle."""
    seen = shrunk(image, 960)
    begun = time.process_time()
    found = find(seen)
    took = time.process_time() - begun
    return judge(found, seen.shape[1], seen.shape[0]), took


def compare(sequences: Iterator[list[Frame]], landmarker, make, labels) -> dict:
    """Of each frame: right by itself, right followed, and what both cost.

    With what it costs to load the model that follows, once for each sequence.
    """
    right, took, count, equal, apart, worse = [0, 0], [0.0, 0.0], 0, 0, [], []
    for number, frames in enumerate(sequences):
        trackers = Trackers(1, make)
        for place, (name, image) in enumerate(frames):
            late = 7 if place % 4 == 3 else 0  # sent before the one before it
            received = BEGIN + timedelta(seconds=5 * place - late)
            follow = trackers.finder(f"pi{number}", received, landmarker.find)
            both = [verdict_of(landmarker.find, image), verdict_of(follow, image)]
            rights = [is_right(v.status, labels[name]) for v, _ in both]
            for which, (_, seconds) in enumerate(both):
                right[which] += rights[which]
                took[which] += seconds
            alone, followed = (verdict for verdict, _ in both)
            count += 1
            equal += alone.status == followed.status
            if rights == [True, False]:
                worse.append(f"{name} #{place}: {followed.status}")
            if alone.measured and followed.measured:
                apart.append(abs(alone.neck - followed.neck))
        trackers.close()
    return {
        "frames": count,
        "right_alone": right[0],
        "right_followed": right[1],
        "same_status": equal,
        "neck_apart_99": int(np.percentile(apart, 99)) if apart else None,
        "ms_alone": round(took[0] / count * 1000, 1),
        "ms_followed": round(took[1] / count * 1000, 1),
        "worse": worse,
    }


def measure(model: str, length: int, most: int) -> dict[str, object]:
    """Figures by kind of sequence, and the memory of a tracker."""
    labels = json.loads((PICTURES / "labels.json").read_text())
    samples = {name: cv2.imread(str(PICTURES / name)) for name in labels}
    sides = [
        name for name, each in labels.items() if each["expected"] in ("Good", "Bad")
    ]
    people, empty = sides[:most], [name for name in labels if "empty" in name]
    bundle = bundle_path(ROOT / "models", model)
    landmarker = Landmarker(bundle)
    landmarker.find(samples[people[0]])
    before = _memory_mb()
    one = Landmarker(bundle, follows=True)
    one.find(samples[people[0]])
    figures: dict[str, object] = {
        "model": model,
        "mb_of_a_tracker": _memory_mb() - before,
    }
    one.close()
    for kind in KINDS:
        sequences = sequences_of(kind, length, samples, people, empty)
        figures[kind] = compare(
            sequences, landmarker, lambda: Landmarker(bundle, follows=True), labels
        )
    return figures | {"machine": machine()}


def _memory_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--model", choices=MODELS, default="full")
    parser.add_argument("--length", type=int, default=20, help="frames of a sequence")
    parser.add_argument("--people", type=int, default=12, help="sequences of a kind")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    show(
        measure(arguments.model, arguments.length, arguments.people),
        as_json=arguments.json,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
