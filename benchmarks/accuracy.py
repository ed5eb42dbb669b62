"""What the worker says of a folder of pictures, and how much of it is right.

    python -m benchmarks.accuracy --pictures tests/images --model full --json

The pictures take the worker's own path, from the Base64 payload on. When the folder has
a `labels.json` ({file name: {"expected": status}}), a confusion table is shown; the
expectation `not_Good_or_Bad` is met by either of the two other statuses.
"""

import argparse
import base64
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from posture.errors import RefusedError
from posture.models import bundle_path, get_models
from posture.settings import MODELS, available_cores
from posture.vision.analyze import analyze
from posture.vision.landmarks import Landmarker
from posture.vision.verdict import PRESETS, Status

ROOT = Path(__file__).parents[1]
_SUFFIXES = {".jpg", ".jpeg", ".png"}
_LIMIT = 64 << 20  # bytes of a picture
_NEITHER = "not_Good_or_Bad"


def measure(
    pictures: list[Path], model: str, preset: str, threads: int
) -> dict[str, dict[str, Any]]:
    """The verdict on each picture, by file name."""
    get_models([model], ROOT / "models")
    bundle = bundle_path(ROOT / "models", model)
    # Every n-th picture each, for a landmarker serves one thread at a time.
    shares = [pictures[n::threads] for n in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda share: _verdicts(share, bundle, preset), shares))
    merged = {name: verdict for part in parts for name, verdict in part.items()}
    return dict(sorted(merged.items()))


def _verdicts(share: list[Path], bundle: Path, preset: str) -> dict[str, Any]:
    landmarker = Landmarker(bundle)
    return {path.name: _verdict(path, landmarker, preset) for path in share}


def _verdict(path: Path, landmarker: Landmarker, preset: str) -> dict[str, Any]:
    payload = base64.b64encode(path.read_bytes())
    try:
        verdict = analyze(payload, landmarker.find, preset, "none", _LIMIT).verdict
    except RefusedError as refusal:
        return {"status": None, "neck": None, "body": None, "refused": str(refusal)}
    return {
        "status": verdict.status.value,
        "neck": verdict.neck,
        "body": verdict.body,
        "side": verdict.side,
    }


def is_right(status: str | None, expected: str) -> bool:
    """Whether a status meets an expectation."""
    if expected == _NEITHER:
        return status in (Status.PARTIAL, Status.NONE)
    return status == expected


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--pictures", type=Path, default=ROOT / "tests" / "images")
    parser.add_argument("--model", choices=MODELS, default="full")
    parser.add_argument("--preset", choices=PRESETS, default="nearest")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--json", action="store_true")
    it = parser.parse_args(argv)
    pictures = sorted(p for p in it.pictures.iterdir() if p.suffix.lower() in _SUFFIXES)
    if not pictures:
        parser.error(f"--pictures {it.pictures}: no .jpg or .png file there")
    verdicts = measure(pictures, it.model, it.preset, max(1, it.threads))
    if it.json:
        print(json.dumps(verdicts, indent=1))
        return 0
    labels_file = it.pictures / "labels.json"
    if labels_file.exists():
        _show_confusion(verdicts, json.loads(labels_file.read_text()))
    else:
        _show(verdicts)
    print(f"model {it.model}, preset {it.preset}, {machine()}")
    return 0


def _show(verdicts: dict[str, dict[str, Any]]) -> None:
    for name, it in verdicts.items():
        print(f"{name:40} {it['status']!s:28} {it['neck']!s:>5} {it['body']!s:>5}")


def _show_confusion(
    verdicts: dict[str, dict[str, Any]], labels: dict[str, dict[str, Any]]
) -> None:
    pairs = Counter[tuple[str, str]]()
    wrong = []
    for name, it in verdicts.items():
        if name not in labels:
            continue
        expected, status = labels[name]["expected"], it["status"] or "refused"
        pairs[expected, status] += 1
        if not is_right(it["status"], expected):
            wrong.append(
                f"  {name}: {status} {it['neck']} {it['body']}, not {expected}"
            )
    columns = sorted({status for _, status in pairs})
    print(f"{'expected':24}" + "".join(f"{each:>28}" for each in columns))
    for expected in sorted({expected for expected, _ in pairs}):
        counts = "".join(f"{pairs[expected, each]:>28}" for each in columns)
        print(f"{expected:24}{counts}")
    total = pairs.total()
    if wrong:
        print("wrong:", *wrong, sep="\n")
    if total:
        print(f"right: {total - len(wrong)} of {total}, {1 - len(wrong) / total:.1%}")


if __name__ == "__main__":
    raise SystemExit(main())
