"""The demo, as a process of its own, with its embedded broker and database."""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
import urllib3

from demo.page import has_desktop
from tests.conftest import IMAGES
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.postgres import memory_folder
from tests.fixtures.reaper import ends_with_us
from tests.fixtures.worker import ROOT


class Demo:
    """One run of run_local.py with its own folder."""

    def __init__(self, folder, *flags, port=None):
        self.folder = folder
        samples = folder.parent / "samples"
        if not samples.exists():
            samples.mkdir()
            for name in ("good_1280_000", "slouch_1280_002", "empty_1280_006"):
                (samples / f"{name}.jpg").symlink_to(IMAGES / f"{name}.jpg")
        self.port = port or free_port()
        command = [sys.executable, str(ROOT / "run_local.py"), "--folder", str(folder)]
        command += ["--samples", str(samples), "--model", "lite"]
        self._said = folder.parent / f"output-{secrets.token_hex(4)}"
        self._output = self._said.open("w+")
        self.process = subprocess.Popen(
            [*command, "--broker-port", str(self.port), *flags],
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        ends_with_us(self.process.pid)

    @property
    def said(self):
        return self._said.read_text()

    def wait(self):
        code = self.process.wait(90)
        self._output.close()
        return code

    def wait_for(self, words):
        wait_until(lambda: words in self.said, f"{words!r} in {self.said}", 60, 0.1)

    def helpers(self):
        """Processes that work for this folder."""
        return [
            each
            for each in psutil.process_iter(["cmdline"])
            if str(self.folder) in " ".join(each.info["cmdline"] or [])
            or str(self.folder) in _settings(each)
        ]


def _settings(process):
    try:
        return process.environ().get("PICTURES_FOLDER", "")
    except psutil.Error:
        return ""


@pytest.fixture
def home():
    """A folder that the database's own user may enter.

    pytest closes its own to everybody else, whenever another session of it begins.
    """
    folder = Path(tempfile.mkdtemp(prefix="demo-", dir=memory_folder()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def start_demo(home):
    demos = []

    def start(*flags, **options):
        demo = Demo(home / "local", *flags, **options)
        demos.append(demo)
        return demo

    yield start
    for demo in demos:
        print(demo.said)  # shown with a test that fails
        if demo.process.poll() is None:
            demo.process.send_signal(signal.SIGTERM)
            demo.wait()
        demo._output.close()


def test_once_shows_every_sample_and_leaves_nothing_running(start_demo):
    demo = start_demo("--once")
    assert demo.wait() == 0, demo.said
    assert "3 pictures, each with its row and its file." in demo.said
    for words in ("good_1280_000.jpg", "Good", "Bad", "No_Landmarks_Detected"):
        assert words in demo.said
    files = list((demo.folder / "analyzed_images").glob("*/*.jpg"))
    assert len(files) == 3
    assert not demo.helpers()

    # A second run keeps these, and takes another port where its own is taken.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        again = start_demo("--once", port=taken.getsockname()[1])
        assert again.wait() == 0, again.said
    assert f"Port {again.port} is in use" in again.said
    assert len(list((demo.folder / "analyzed_images").glob("*/*.jpg"))) == 6


def test_it_stays_for_pictures_of_ones_own_until_ctrl_c(start_demo):
    demo = start_demo()
    demo.wait_for("Waiting for pictures")
    shows_its_cameras(demo)
    refuses_another_beside_it(demo, start_demo)
    publish = [sys.executable, str(ROOT / "publish_test_images.py")]
    publish += ["--broker-host", "127.0.0.1", "--broker-port", str(demo.port)]
    publish += ["--broker-version", "3.1.1", "--pi", "kitchen"]
    subprocess.run([*publish, IMAGES / "good_1280_001.jpg"], check=True, timeout=60)
    demo.wait_for("kitchen_")
    demo.process.send_signal(signal.SIGINT)
    assert demo.wait() == 0
    assert "Traceback" not in demo.said
    assert not demo.helpers()


def shows_its_cameras(demo):
    """The live page shows the cameras to this machine."""
    address = re.search(r"Live page +(http://127\.0\.0\.1:\d+/)", demo.said)[1]

    def shows(camera):
        answer = urllib3.request("GET", address)
        assert answer.status == 200
        return f'data-pi="{camera}"' in answer.data.decode()

    # The page looks at the table once a second or so.
    wait_until(lambda: shows("pi1") and shows("pi2"), "both cameras are shown")


def refuses_another_beside_it(demo, start_demo):
    """A run beside another one in the same folder is refused."""
    second = start_demo("--once")
    assert second.wait() == 1
    assert "a demo is running in" in second.said


@pytest.mark.parametrize(
    ("platform", "environ", "desktop"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
    ],
)
def test_a_browser_opens_only_where_there_is_a_screen(platform, environ, desktop):
    assert has_desktop(platform, environ) is desktop


def _runs(pid):
    # What has ended is known by its number until its parent, here whoever took the
    # killed run's children over, has asked how it ended.
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_what_a_killed_run_left_is_cleared_away(start_demo):
    first = start_demo("--page=false")
    first.wait_for("Waiting for pictures")
    assert "Live page" not in first.said  # it can be left out
    left = json.loads((first.folder / "run.json").read_text())
    first.process.kill()
    first.wait()
    demo = start_demo("--once")
    assert demo.wait() == 0, demo.said
    assert left
    assert not any(_runs(each["pid"]) for each in left)
    assert not demo.helpers()


def test_a_record_that_others_could_have_written_ends_nothing(start_demo, home):
    folder = home / "local"
    folder.mkdir()
    (folder / "run.json").write_text("[]")
    folder.chmod(0o777)
    demo = start_demo("--once")
    assert demo.wait() == 1
    said = " ".join(demo.said.split())
    assert "others may write to it; if it is yours: chmod go-w" in said


def test_a_folder_that_cannot_be_written_is_said(start_demo, home):
    (home / "local").touch()
    demo = start_demo("--once")
    assert demo.wait() == 1
    assert "name another folder with --folder" in " ".join(demo.said.split())


def test_an_address_of_another_machine_is_refused(start_demo):
    demo = start_demo("--once", "--listen", "192.0.2.1")
    assert demo.wait() == 1
    assert "--listen 192.0.2.1" in demo.said
