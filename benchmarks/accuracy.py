"""What the worker says of folders of pictures, and how much of it is right.

    python -m benchmarks.accuracy --pictures tests/images tests/images/views

The pictures take the worker's own path, from the Base64 payload on. When a folder has a
`labels.json` ({file name: {"expected": ..., "kind": ...}}), what is right is counted by
kind, by view and in all. Expected is one of the four statuses; `cannot_be_measured` (or
`not_Good_or_Bad`), which Partial and No_Landmarks meet; or `ambiguous`, which is shown
and not counted. Of a person who is more than 40 degrees off the side (`off_side`) both
the status and no verdict count as right.
"""

import argparse
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.accuracy_tables import (
    show_angles,
    show_confusion,
    show_counts,
    summary,
)
from benchmarks.machine import machine
from common import options
from posture.errors import RefusedError
from posture.models import bundle_path, get_models
from posture.settings import MODELS, available_cores
from posture.vision.analyze import Rules, analyze
from posture.vision.camera_settings import CameraSettings
from posture.vision.landmarks import Landmarker
from posture.vision.verdict import PRESETS, Preset

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "tests" / "images"
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
_LIMIT = 64 << 20  # bytes of a picture


def measure(
    pictures: list[Path], model: str, rules: Rules, threads: int
) -> dict[str, dict[str, Any]]:
    """The verdict on each picture, by file name."""
    get_models([model], ROOT / "models")
    bundle = bundle_path(ROOT / "models", model)
    # Every n-th picture each, for a landmarker serves one thread at a time.
    shares = [pictures[n::threads] for n in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda share: _verdicts(share, bundle, rules), shares))
    merged = {name: verdict for part in parts for name, verdict in part.items()}
    return dict(sorted(merged.items()))


def _verdicts(share: list[Path], bundle: Path, rules: Rules) -> dict[str, Any]:
    landmarker = Landmarker(bundle)
    return {path.name: _verdict(path, landmarker, rules) for path in share}


def _verdict(path: Path, landmarker: Landmarker, rules: Rules) -> dict[str, Any]:
    payload = base64.b64encode(path.read_bytes())
    try:
        verdict = analyze(payload, landmarker.find, rules, path.stem).verdict
    except RefusedError as refusal:
        return {"status": None, "neck": None, "body": None, "refused": str(refusal)}
    return {name: vars(verdict)[name] for name in _TOLD}


_TOLD = ("status", "neck", "body", "side", "reason", "view", "yaw", "confidence")


def pictures_in(folder: Path) -> list[Path]:
    """The picture files directly in a folder, by name."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)


def labels_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The labels of a folder's pictures, none without a file of them."""
    file = folder / "labels.json"
    found: dict[str, dict[str, Any]] = {}
    if file.exists():
        found = json.loads(file.read_text())
    return found


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--pictures", type=Path, nargs="+", default=[PICTURES])
    parser.add_argument("--model", choices=(*MODELS, "all"), default="full")
    parser.add_argument("--preset", choices=PRESETS, default="nearest")
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--json", action="store_true", help="print verdicts only")
    options.add_arguments(parser, CameraSettings)
    arguments = parser.parse_args(argv)
    try:
        cameras = options.read(CameraSettings, arguments, {})
    except options.SettingsError as error:
        parser.error(str(error))
    preset: Preset = arguments.preset
    models = MODELS if arguments.model == "all" else (arguments.model,)
    threads = max(1, arguments.threads)
    summaries = []
    for folder in arguments.pictures:
        pictures = pictures_in(folder)
        if not pictures:
            parser.error(f"--pictures {folder}: no picture file there (such as .jpg)")
        for model in models:
            rules = Rules(preset, "none", _LIMIT, cameras.for_model(model))
            verdicts = measure(pictures, model, rules, threads)
            if arguments.json:
                print(json.dumps(verdicts, indent=1))
                continue
            labels = labels_of(folder)
            _show(verdicts, labels)
            print(f"{folder.name}, model {model}, preset {preset}, {machine()}\n")
            if labels:
                told = summary(verdicts, labels)
                summaries.append(f"{folder.name}, {model}: {told}")
    for each in summaries:
        print(each)
    return 0


def _show(
    verdicts: dict[str, dict[str, Any]], labels: dict[str, dict[str, Any]]
) -> None:
    if labels:
        show_confusion(verdicts, labels)
        show_counts(verdicts, labels)
        show_angles(verdicts, labels)
        return
    for name, verdict in verdicts.items():
        status, neck, body = (verdict[each] for each in ("status", "neck", "body"))
        word = verdict.get("reason") or ""
        print(f"{name:40} {status!s:28} {neck!s:>5} {body!s:>5} {word}")


if __name__ == "__main__":
    raise SystemExit(main())
