"""Whether processor or GPU finds the landmarks: tried before the first picture.

A graphics driver can end its process or never answer, so it is tried in one of its own:
`python -m posture.worker.delegate MODEL` prints what each of the two found.
"""

import json
import logging
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from posture.errors import ModelError
from posture.vision.landmarks import Delegate, Landmarker
from posture.vision.payload import Image, decode_image
from posture.worker.isolation import without_secrets
from posture.worker.seccomp import go_offline

log = logging.getLogger(__name__)

PICTURE = Path(__file__).parents[1] / "vision" / "person.jpg"
_PATIENCE = 120.0  # seconds that both may take: a GPU's first picture is compiled for
_ROUNDS = 10
_APART = 0.02  # of the picture: versions of MediaPipe differ by a quarter of it
_SEEN = 0.5  # visibility of points that are compared


@dataclass(frozen=True)
class Trial:
    """What one of the two made of the picture."""

    milliseconds: float
    """Median of some pictures, one after another."""
    points: Sequence[Sequence[float]]
    """x and y in shares of the picture, and visibility, of each landmark."""


@dataclass(frozen=True)
class Choice:
    """Which one it is, and why, in words."""

    delegate: Delegate
    why: str


def choose(model: Path) -> Choice:
    """Try both with the bundle at `model`: the GPU where it is right and faster."""
    command = [sys.executable, "-m", __name__, str(model.resolve())]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=without_secrets(),
            cwd=Path(__file__).parents[2],
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Choice("cpu", f"the GPU has not answered within {_PATIENCE:g} s")
    told = [*_answers(done.stdout)]
    if len(told) < 2:
        return Choice("cpu", f"the trial has ended with exit code {done.returncode}")
    return decide(*told)


def _answers(output: bytes) -> Iterator[dict[str, object]]:
    """The lines that are a trial's; a driver may print some of its own."""
    for line in output.splitlines():
        with suppress(ValueError):
            if isinstance(answer := json.loads(line), dict):
                yield answer


def decide(cpu: Mapping[str, object], gpu: Mapping[str, object]) -> Choice:
    """The choice, from what the two lines of a trial say."""
    if "refused" in cpu or "refused" in gpu:
        return Choice("cpu", str(cpu.get("refused") or gpu["refused"]))
    return better(Trial(**cpu), Trial(**gpu))  # type: ignore[arg-type]


def better(cpu: Trial, gpu: Trial) -> Choice:
    """The GPU if its landmarks are those of the processor, and sooner there."""
    if not any(visibility >= _SEEN for _, _, visibility in cpu.points):
        why = "nobody by the CPU on the picture that both are tried on: cannot compare"
        return Choice("cpu", why)
    if trouble := _trouble(cpu, gpu):
        return Choice("cpu", f"the GPU {trouble} on the picture that it was tried on")
    figures = f"{gpu.milliseconds:.1f} ms a picture, {cpu.milliseconds:.1f} by the CPU"
    if gpu.milliseconds >= cpu.milliseconds:
        return Choice("cpu", f"the GPU is no faster: {figures}")
    return Choice("gpu", f"the same landmarks, and faster: {figures}")


def _trouble(cpu: Trial, gpu: Trial) -> str:
    """What is wrong with the GPU's landmarks, if anything; the CPU's are right."""
    if len(cpu.points) != len(gpu.points):
        return "finds nobody"
    if not all(math.isfinite(each) for point in gpu.points for each in point):
        return "finds what are no numbers"
    apart = max(
        max(abs(here[0] - there[0]), abs(here[1] - there[1]))
        for here, there in zip(cpu.points, gpu.points, strict=True)
        if here[2] >= _SEEN
    )
    return f"is {apart:.1%} of the picture off" if apart > _APART else ""


def _tried(model: Path, delegate: Delegate) -> dict[str, object]:
    picture = decode_image(PICTURE.read_bytes())
    try:
        landmarker = Landmarker(model, delegate=delegate)
        landmarks = landmarker.find(picture)
        waits = [_timed(landmarker, picture) for _ in range(_ROUNDS)]
    except ModelError as error:
        return {"refused": str(error)}
    except (RuntimeError, ValueError) as error:
        return {"refused": f"the {delegate.upper()} fails with a picture: {error}"}
    points = [(each.x, each.y, each.visibility) for each in landmarks]
    return {"milliseconds": statistics.median(waits) * 1000, "points": points}


def _timed(landmarker: Landmarker, picture: Image) -> float:
    begun = time.perf_counter()
    landmarker.find(picture)
    return time.perf_counter() - begun


def main(argv: Sequence[str]) -> int:
    """Print a line for the processor and one for the GPU."""
    go_offline()
    for delegate in ("cpu", "gpu"):
        print(json.dumps(_tried(Path(argv[0]), delegate)), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
