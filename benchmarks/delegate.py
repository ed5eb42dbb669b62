"""Pose landmarks on the processor and on the GPU: how fast, and how far apart.

    python benchmarks/delegate.py --pictures tests/images --models models --json

Needs mediapipe, numpy and OpenCV, and nothing of this project, so that the one file can
be tried on any machine. Each delegate runs in a process of its own, for a driver may
end it. What of a GPU is here (devices, EGL) is told, too.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from ctypes import CDLL
from pathlib import Path

LIBRARIES = ("libEGL.so.1", "libGLESv2.so.2", "libEGL_nvidia.so.0", "libcuda.so.1")
VENDORS = Path("/usr/share/glvnd/egl_vendor.d")
PATIENCE = 240.0  # seconds of one delegate with one model
WARM = 5


def surroundings() -> dict[str, object]:
    """What the GPU delegate needs, and whether it is here."""
    devices = [*Path("/dev").glob("nvidia*"), *Path("/dev").glob("dri/*")]
    return {
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "libraries": {name: _loads(name) for name in LIBRARIES},
        "egl_vendors": sorted(path.name for path in VENDORS.glob("*.json")),
        "devices": sorted(map(str, devices)),
        "gpu": _gpu_name(),
    }


def _loads(name: str) -> bool:
    try:
        CDLL(name)
    except OSError:
        return False
    return True


def _gpu_name() -> str | None:
    try:
        asked = [
            "nvidia-smi",
            "--query-gpu=name,driver_version",
            "--format=csv,noheader",
        ]
        return subprocess.run(
            asked, capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def in_own_process(model: Path, delegate: str, arguments: argparse.Namespace) -> dict:
    """What `tried` gives, or why it gives nothing."""
    command = [sys.executable, __file__, "--child", delegate, "--model", str(model)]
    command += [
        "--pictures",
        str(arguments.pictures),
        "--rounds",
        str(arguments.rounds),
    ]
    command += ["--threads", *map(str, arguments.threads)]
    command += ["--seconds", str(arguments.seconds)]
    environ = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        if delegate == "gpu-nvidia":  # whatever else is installed
            vendor = Path(folder) / "nvidia.json"
            icd = {"library_path": "libEGL_nvidia.so.0"}
            vendor.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": icd}))
            environ["__EGL_VENDOR_LIBRARY_FILENAMES"] = str(vendor)
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env=environ,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"no answer within {PATIENCE:g} s"}
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1])
    last = [line for line in done.stderr.splitlines() if line.strip()][-12:]
    return {"error": f"exit code {done.returncode}", "stderr": last}


def tried(
    model: Path, delegate: str, arguments: argparse.Namespace
) -> dict[str, object]:
    """Load and detect; with four channels where three are refused."""
    import cv2

    images = []
    for path in sorted(arguments.pictures.glob("*.jpg")):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        images.append(cv2.resize(image, (640, image.shape[0] * 640 // image.shape[1])))
    refusals = []
    for channels in (3, 4):
        begun = time.perf_counter()
        try:
            task = _task(model, delegate)
            first = time.perf_counter()
            _detect(task, images[0])
        except (RuntimeError, ValueError) as error:
            refusals.append(f"{channels} channels: {type(error).__name__}: {error}")
            if channels == 3:
                images = [cv2.cvtColor(each, cv2.COLOR_RGB2RGBA) for each in images]
        else:
            break
    else:
        return {"error": refusals}
    found = {
        "refusals": refusals,
        "load_s": round(first - begun, 3),
        "first_picture_ms": round((time.perf_counter() - first) * 1000, 1),
    }
    for image in images[:WARM]:
        _detect(task, image)
    waits, used = [], time.process_time()
    for image in images * arguments.rounds:
        begun = time.perf_counter()
        _detect(task, image)
        waits.append((time.perf_counter() - begun) * 1000)
    used = (time.process_time() - used) * 1000 / len(waits)
    found["median_ms"] = round(statistics.median(waits), 2)
    found["cpu_ms"] = round(used, 2)
    found["landmarks"] = [_points(_detect(task, image)) for image in images]
    found["per_second"] = {
        n: _per_second(
            [task] + [_task(model, delegate) for _ in range(n - 1)],
            images,
            arguments.seconds,
        )
        for n in arguments.threads
    }
    return found


def _task(model: Path, delegate: str):
    from mediapipe.tasks.python.core.base_options import BaseOptions
    from mediapipe.tasks.python.vision import PoseLandmarker, PoseLandmarkerOptions

    chosen = BaseOptions.Delegate.CPU
    if delegate != "cpu":
        chosen = BaseOptions.Delegate.GPU
    base = BaseOptions(model_asset_path=str(model), delegate=chosen)
    return PoseLandmarker.create_from_options(PoseLandmarkerOptions(base_options=base))


def _detect(task, image):
    import mediapipe as mp

    kinds = {3: mp.ImageFormat.SRGB, 4: mp.ImageFormat.SRGBA}
    return task.detect(mp.Image(image_format=kinds[image.shape[2]], data=image))


def _points(result) -> list[list[float]]:
    if not result.pose_landmarks:
        return []
    return [[each.x, each.y, each.visibility] for each in result.pose_landmarks[0]]


def _per_second(tasks, images, seconds: float) -> float:
    """Pictures a second of several landmarkers, a thread each."""
    counts = [0] * len(tasks)
    until = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < until:
            _detect(tasks[number], images[counts[number] % len(images)])
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(tasks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(counts) / seconds, 1)


def apart(one: list, other: list) -> dict[str, object]:
    """How far the landmarks of two delegates lie apart, in shares of the picture."""
    far, differ = [], 0
    for mine, theirs in zip(one, other, strict=True):
        differ += bool(mine) != bool(theirs)
        far += [
            max(abs(a[0] - b[0]), abs(a[1] - b[1]))
            for a, b in zip(mine, theirs, strict=False)
            if min(a[2], b[2]) >= 0.5
        ]
    return {
        "pictures_with_a_person_for_one_only": differ,
        "visible_points_median": round(statistics.median(far), 5) if far else None,
        "visible_points_largest": round(max(far), 5) if far else None,
    }


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Every model with every delegate."""
    figures: dict[str, object] = {"surroundings": surroundings()}
    delegates = ["cpu", "gpu"]
    if _loads("libEGL_nvidia.so.0"):
        delegates.append("gpu-nvidia")
    for model in sorted(arguments.models.glob("pose_landmarker_*.task")):
        if arguments.only and arguments.only not in model.name:
            continue
        by_delegate = {
            each: in_own_process(model, each, arguments) for each in delegates
        }
        points = {each: by_delegate[each].pop("landmarks", None) for each in delegates}
        for each in delegates[1:]:
            if points["cpu"] is not None and points[each] is not None:
                by_delegate[each]["from_cpu"] = apart(points["cpu"], points[each])
        figures[model.stem] = by_delegate
    return figures


def main(argv: list[str] | None = None) -> int:
    """Measure and print; $OUT/delegate.json has it, too, where $OUT is set."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--pictures", type=Path, default=Path("tests/images"))
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument("--only", help="lite, full or heavy")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--seconds", type=float, default=4, help="of all threads")
    parser.add_argument("--json", action="store_true", help="it is JSON anyway")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        print(json.dumps(tried(arguments.model, arguments.child, arguments)))
        return 0
    text = json.dumps(measure(arguments), indent=1)
    print(text)
    if out := os.environ.get("OUT"):
        Path(out, "delegate.json").write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
