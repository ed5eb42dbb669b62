"""What a camera may do wrong: persons too small, too dark, pictures too coarse, tilted.

    python -m benchmarks.camera --model full --json

Changes the sample pictures of somebody sitting (good or slouching) and counts in how
many the angles are still measured, and how far they are off those of before.
"""

import argparse
import base64
import statistics
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.machine import machine, show
from posture.models import bundle_path
from posture.settings import MODELS
from posture.vision.analyze import Rules, analyze
from posture.vision.landmarks import Landmarker
from posture.vision.verdict import Verdict

ROOT = Path(__file__).parents[1]
_RULES = Rules(store="none", limit=64 << 20)
Picture = np.ndarray
Change = Callable[[Picture], Picture]


def smaller(share: float) -> Change:
    """The same picture at `share` of its size on a grey ground: seen from afar."""

    def change(picture: Picture) -> Picture:
        small = coarser(share)(picture)
        ground = np.full_like(picture, 128)
        height, width = small.shape[:2]
        top, left = (ground.shape[0] - height) // 2, (ground.shape[1] - width) // 2
        ground[top : top + height, left : left + width] = small
        return ground

    return change


def coarser(share: float) -> Change:
    """The same picture with fewer pixels."""
    return lambda picture: cv2.resize(
        picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA
    )


def darker(share: float) -> Change:
    """The same picture with so much of its light."""
    return lambda picture: (picture * share).astype(np.uint8)


def tilted(degrees: float) -> Change:
    """The same picture by a tilted camera."""

    def change(picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return cv2.warpAffine(
            picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE
        )

    return change


CHANGES = {
    **{f"size {share:.0%}": smaller(share) for share in (0.7, 0.5, 0.4, 0.3)},
    **{f"light {share:.0%}": darker(share) for share in (0.5, 0.25, 0.12)},
    **{f"pixels {share:.0%}": coarser(share) for share in (0.5, 0.25, 0.125)},
    **{f"tilt {degrees}": tilted(degrees) for degrees in (5, 10)},
}


def measure(model: str, most: int) -> dict[str, object]:
    """For each change: how many are measured, and degrees off, median and most."""
    landmarker = Landmarker(bundle_path(ROOT / "models", model))
    paths = [p for p in sorted((ROOT / "tests" / "images").glob("*.jpg"))
             if p.name.startswith(("good", "slouch"))]  # fmt: skip
    pictures = [cv2.imread(str(path)) for path in paths[:most]]
    unchanged = [_verdict(each, landmarker) for each in pictures]
    figures: dict[str, object] = {"model": model, "pictures": len(pictures)}
    for name, change in CHANGES.items():
        found = [_verdict(change(each), landmarker) for each in pictures]
        off = [
            max(abs(new.neck - old.neck), abs(new.body - old.body))
            for new, old in zip(found, unchanged, strict=True)
            if None not in (new.neck, new.body, old.neck, old.body)
        ]
        figures[name] = {
            "measured": sum(each.neck is not None for each in found),
            "off_median": statistics.median(off) if off else None,
            "off_most": max(off, default=None),
        }
    return figures


def _verdict(picture: Picture, landmarker: Landmarker) -> Verdict:
    _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])
    payload = base64.b64encode(file.tobytes())
    return analyze(payload, landmarker.find, _RULES).verdict


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--model", choices=MODELS, default="full")
    parser.add_argument("--people", type=int, default=40, help="pictures, at most")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    figures = measure(arguments.model, arguments.people)
    show(figures | {"machine": machine()}, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
