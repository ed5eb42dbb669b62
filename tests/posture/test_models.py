import contextlib
import hashlib
import http.server
import shutil
import socket
import threading
import urllib.request
import zipfile

import pytest

from posture import models
from posture.errors import ModelError
from posture.models import bundle_path, find_bundle, get_models, get_networks
from tests.fixtures.disk import little_room
from tests.fixtures.worker import ROOT


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing outside can be reached: every way leads to a closed port."""
    with socket.socket() as held:  # bound and never listening: nobody else can take it
        held.bind(("127.0.0.1", 0))
        _lead_to(f"http://127.0.0.1:{held.getsockname()[1]}", monkeypatch)
        yield


def _lead_to(closed, monkeypatch):
    # What opened an address before keeps the proxies of that time.
    monkeypatch.setattr(urllib.request, "_opener", None)
    for name in ("http_proxy", "https_proxy", "all_proxy", "npm_config_registry"):
        monkeypatch.setenv(name, closed)
        monkeypatch.setenv(name.upper(), closed)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{closed}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["lite", "full", "heavy"])
def test_a_model_that_is_there_is_kept(tmp_path, name):
    path = bundle_path(tmp_path, name)
    shutil.copy(bundle_path(ROOT / "models", name), path)
    before = path.stat()

    get_models([name], tmp_path)

    assert path.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 half a bundle"])
def test_what_is_no_known_model_is_refused_and_left_alone(tmp_path, content):
    path = bundle_path(tmp_path, "full")
    path.write_bytes(content)

    with pytest.raises(ModelError, match=r"no known model full: remove it"):
        get_models(["full"], tmp_path)

    assert path.read_bytes() == content


def test_a_model_of_another_size_is_not_taken_for_it(tmp_path):
    shutil.copy(bundle_path(ROOT / "models", "lite"), bundle_path(tmp_path, "full"))

    with pytest.raises(ModelError, match="no known model full"):
        get_models(["full"], tmp_path)


def test_a_model_that_is_there_is_found(tmp_path):
    bundle_path(tmp_path, "lite").touch()

    assert find_bundle(tmp_path, "lite") == tmp_path / "pose_landmarker_lite.task"


def test_a_model_that_is_missing_is_named_with_the_command_that_brings_it(tmp_path):
    with pytest.raises(ModelError, match=r"python -m posture\.models heavy"):
        find_bundle(tmp_path, "heavy")


@pytest.mark.parametrize("name", ["full", "lite"])
def test_without_a_source_one_error_names_all_that_was_tried(tmp_path, name):
    with pytest.raises(ModelError) as caught:
        get_models([name], tmp_path)

    text = str(caught.value)
    assert text.startswith(f"the pose model {name!r} cannot be had: Official address")
    assert "Connection refused" in text
    assert "; Packages that contain the networks" in text
    assert "pip" in text
    assert "\n" not in text
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_why_and_fails(tmp_path, caplog):
    assert models.main(["full", "--folder", str(tmp_path)]) == 1
    assert "the pose model 'full' cannot be had" in caplog.text


def test_the_command_knows_its_models(capsys):
    with pytest.raises(SystemExit):
        models.main(["tiny"])
    assert "choose from lite, full, heavy" in capsys.readouterr().err


@pytest.fixture
def local_wheel(tmp_path, monkeypatch):
    """A package of the right name and version, with these files in it."""

    def make(**files):
        folder = tmp_path / "wheels"
        folder.mkdir()
        tags = "mediapipe-0.10.18-cp311-cp311-manylinux_2_17_x86_64"
        info = "mediapipe-0.10.18.dist-info"
        about = {
            f"{info}/METADATA": b"Metadata-Version: 2.1\nName: mediapipe\n"
            b"Version: 0.10.18\n",
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"
            b"Tag: cp311-cp311-manylinux_2_17_x86_64\n",
            f"{info}/RECORD": b"",
        }
        with zipfile.ZipFile(folder / f"{tags}.whl", "w") as wheel:
            for name, content in about.items():
                wheel.writestr(name, content)
            for name, content in files.items():
                wheel.writestr(f"mediapipe/modules/{name}.tflite", content)
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.setenv("PIP_NO_INDEX", "1")

    return make


def test_a_network_that_is_not_the_expected_one_is_refused(tmp_path, local_wheel):
    local_wheel(pose_detection=b"other", pose_landmark_full=b"other")

    with pytest.raises(ModelError) as caught:
        get_models(["full"], tmp_path / "models")

    digest = hashlib.sha256(b"other").hexdigest()
    assert f"pose_detection.tflite has sha256 {digest}, expected " in str(caught.value)
    assert not (tmp_path / "models").exists()


def test_networks_are_taken_from_the_package_where_they_are_right(
    monkeypatch, local_wheel
):
    for name in ("pose_detection", "pose_landmark_full"):
        digest = hashlib.sha256(name.encode()).hexdigest()
        monkeypatch.setitem(models._SHA256, f"{name}.tflite", digest)
    local_wheel(
        pose_detection=b"pose_detection", pose_landmark_full=b"pose_landmark_full"
    )

    assert sorted(get_networks("full").values()) == [
        b"pose_detection",
        b"pose_landmark_full",
    ]


def test_a_package_without_the_networks_is_said(tmp_path, local_wheel):
    local_wheel(something="else")

    with pytest.raises(ModelError, match=r"pose_detection\.tflite"):
        get_models(["full"], tmp_path / "models")


@contextlib.contextmanager
def server(answer, length):
    """Answers every request with `answer`, announced as `length` bytes long."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/{{name}}"
        listening.shutdown()


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        pytest.param(6, "pose_landmarker_full.task has sha256", id="another file"),
        pytest.param(9, "IncompleteRead", id="cut short"),
    ],
)
def test_a_bad_download_is_refused_and_the_next_source_asked(
    monkeypatch, length, reason
):
    # The one address that a test cannot answer at is the official one itself.
    with server(b"bundle", length) as address:
        monkeypatch.setattr(models, "_OFFICIAL", address)
        with pytest.raises(ModelError) as caught:
            get_networks("full")

    assert reason in str(caught.value)
    assert "Packages that contain the networks" in str(caught.value)


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    real = bundle_path(models.Path("models").absolute(), "lite")
    with zipfile.ZipFile(real) as bundle:
        networks = {name: bundle.read(name) for name in bundle.namelist()}
    monkeypatch.setattr(models, "get_networks", lambda _: networks)

    with little_room(1 << 20), pytest.raises(ModelError, match="File too large"):
        get_models(["lite"], tmp_path)
