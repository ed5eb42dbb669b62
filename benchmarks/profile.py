"""Where each millisecond of a picture goes: processor time by stage, model and width.

    python -m benchmarks.profile --model full --widths 1280 --store none

The stages are the worker's own functions, with a clock around each; a stage's time is
without the stages within it. `the worker around it` is what the real worker, with a
real broker and PostgreSQL, takes beyond all stages: threads, broker, rows, files, log.
All is processor time of the whole process, the smallest of some rounds, which a machine
that is busy with other things changes little. `--exif` puts into the pictures what a
Raspberry Pi's camera program does. Wide pictures are enlarged ones, and so smaller
files than a camera's.
"""

import argparse
import base64
import json
import struct
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from unittest.mock import patch

import cv2

from benchmarks.machine import machine, processor_time
from benchmarks.throughput import PICTURES, ROOT, stack, worker_window
from posture.models import bundle_path
from posture.settings import MODELS, STORES
from posture.vision import analyze, framing
from posture.vision.landmarks import Landmarker
from posture.worker.dedup import key_of

WIDTHS = (320, 640, 1280, 1920, 2592, 4000)
AROUND = "the worker around it"
FIND = "landmarks as data"
INFERENCE = "inference"
# Stage, and the module and name under which the path of a picture calls it.
STAGES = (
    ("Base64", analyze, "decode_payload"),
    ("header", analyze, "check_header"),
    ("decode", analyze, "decode_checked"),
    ("turn, cut, shrink", framing, "turned"),
    ("turn, cut, shrink", framing, "cut"),
    ("turn, cut, shrink", framing, "shrunk"),
    ("judge", analyze, "judge"),
    ("draw", analyze, "disguise"),
    ("draw", analyze, "annotate"),
    ("encode", analyze, "encode"),
)


class Stopwatch:
    """Milliseconds of processor time by stage, each without the stages within it."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._within = [0.0]

    def around(self, stage: str, work: Callable) -> Callable:
        """`work`, with its time counted."""

        def timed(*arguments, **named):
            self._within.append(0.0)
            begun = time.process_time()
            try:
                return work(*arguments, **named)
            finally:
                took = (time.process_time() - begun) * 1000
                self.spent[stage] += took - self._within.pop()
                self._within[-1] += took

        return timed


def pictures_of(width: int, exif: bool) -> list[bytes]:
    """The samples of 1280 x 720, enlarged or shrunk to this width, in Base64."""
    payloads = []
    for path in sorted(PICTURES.glob("*.jpg")):
        image = cv2.imread(str(path))
        if image.shape[:2] == (720, 1280):
            size = (width, round(width * 9 / 16))
            scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            file = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
            whole = with_exif(file.tobytes()) if exif else file.tobytes()
            payloads.append(base64.b64encode(whole))
    return payloads


def with_exif(file: bytes) -> bytes:
    """The JPEG file with an Exif segment that says: upright (tag Orientation, 1)."""
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 1, 0, 0)
    body = b"Exif\0\0" + tiff
    return file[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + file[2:]


def stages_of(
    landmarker: Landmarker, payloads: list[bytes], store: str
) -> dict[str, float]:
    """Milliseconds of each stage, on average over the payloads."""
    rules = analyze.Rules(store=store)
    watch = Stopwatch()
    find = watch.around(FIND, landmarker.find)
    name = watch.around("name", key_of)
    path = watch.around("rest of the path", analyze.analyze)
    detect = watch.around(INFERENCE, landmarker._task.detect)
    with ExitStack() as patched:
        patched.enter_context(patch.object(landmarker._task, "detect", detect))
        for stage, module, function in STAGES:
            timed = watch.around(stage, getattr(module, function))
            patched.enter_context(patch.object(module, function, timed))
        for each in payloads:
            name("profile", 1, "images/pi1", each)
            path(each, find, rules, "pi1")
    return {stage: spent / len(payloads) for stage, spent in watch.spent.items()}


def whole_worker(parts, payloads: list[bytes], count: int) -> float:
    """Milliseconds of processor time that the real worker takes for a picture."""
    process = parts[2].process.pid
    before = processor_time(process)
    worker_window(parts, payloads, count)
    return (processor_time(process) - before) / count


def measure(
    model: str, widths: list[int], store: str, exif: bool, rounds: int, count: int
) -> dict[int, dict[str, float]]:
    """By width: milliseconds by stage."""
    landmarker = Landmarker(bundle_path(ROOT / "models", model))
    table = {}
    with stack(model, 1, {"STORE": store}) as parts:
        for width in widths:
            payloads = pictures_of(width, exif)
            seen, whole = [], []
            for _ in range(1 + rounds):  # the first one warms
                seen.append(stages_of(landmarker, payloads, store))
                whole.append(whole_worker(parts, payloads, count) if count else 0.0)
            stages = {name: min(each[name] for each in seen[1:]) for name in seen[0]}
            if count:
                stages[AROUND] = min(whole[1:]) - sum(stages.values())
            table[width] = stages
    landmarker.close()
    return table


def show(model: str, store: str, table: dict[int, dict[str, float]]) -> None:
    """Print it as Markdown, the dearest stage first."""
    wholes = [sum(stages.values()) for stages in table.values()]
    rows = {
        f"`{model}`, `STORE={store}`, ms a picture": [str(width) for width in table]
    }
    rows["---"] = ["---:"] * len(table)
    first = next(iter(table.values()))
    for stage in sorted(first, key=lambda each: -max(w[each] for w in table.values())):
        rows[stage] = [f"{stages[stage]:.2f}" for stages in table.values()]
    rows["all"] = [f"{whole:.2f}" for whole in wholes]
    rows["not inference"] = [
        f"{1 - stages[INFERENCE] / whole:.0%}"
        for stages, whole in zip(table.values(), wholes, strict=True)
    ]
    print()
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--model", choices=(*MODELS, "all"), default="all")
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument("--store", choices=STORES, default="full")
    parser.add_argument("--exif", action="store_true", help="pictures have Exif data")
    parser.add_argument("--rounds", type=int, default=3, help="the best counts")
    parser.add_argument(
        "--count", type=int, default=64, help="pictures of the real worker; 0: none"
    )
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    cv2.setNumThreads(1)
    found = {
        model: measure(
            model,
            arguments.widths,
            arguments.store,
            arguments.exif,
            arguments.rounds,
            arguments.count,
        )
        for model in (MODELS if arguments.model == "all" else [arguments.model])
    }
    if arguments.json:
        print(json.dumps(found | {"machine": machine()}, indent=1))
        return 0
    for model, table in found.items():
        show(model, arguments.store, table)
    print(f"\n{machine()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
