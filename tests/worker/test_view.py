"""`view`: a check of a camera's place, from files and from the camera itself."""

import subprocess
import sys
import threading

import pytest

from tests.conftest import IMAGES
from tests.fixtures.net import free_port
from tests.fixtures.worker import ROOT
from tests.worker.conftest import GOOD, payload

FRONT = IMAGES / "views" / "front_1280_012.jpg"


@pytest.fixture
def view(tmp_path):
    def run(*words, **environ):
        return subprocess.run(
            [
                *(sys.executable, ROOT / "mqtt_posture_analyzer_with_db.py", "view"),
                *("--models-folder", ROOT / "models", "--model", "lite", *words),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environ,
            timeout=200,
            check=False,
        )

    return run


def test_files_are_judged_with_what_to_change_and_drawn(view, tmp_path):
    done = view(IMAGES / f"{GOOD}.jpg", FRONT, FRONT)

    assert done.returncode == 1  # most would not be judged
    good, front, *_ = done.stdout.splitlines()[1:]
    assert "Good" in good
    assert "side" in good
    assert "Not seen from the side" in front
    assert "move the camera round the person" in front
    assert "judged: 1 of 3" in done.stdout
    assert (tmp_path / "view" / "front_1280_012.jpg").exists()
    assert view(IMAGES / f"{GOOD}.jpg").returncode == 0


def test_a_camera_is_looked_at_while_it_sends(view, broker):
    enough = threading.Event()

    def send():
        while not enough.wait(0.3):
            broker.publish("images/desk3", payload(GOOD))
            broker.publish("images/desk4", payload("empty_1280_006"))

    camera = threading.Thread(target=send)
    camera.start()
    try:
        done = view("--pi", "desk3", **broker.environ)
    finally:
        enough.set()
        camera.join()

    assert done.returncode == 0, done.stderr
    assert "judged: 5 of 5" in done.stdout


def test_where_nothing_can_be_written_it_is_said_and_pictures_are_judged(
    view, tmp_path
):
    (tmp_path / "view").write_text("in the way")
    done = view(IMAGES / f"{GOOD}.jpg")
    assert "nothing is drawn, for view/ cannot be written" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        ([], "name picture files, or a camera with --pi", 2),
        (["missing.jpg"], "cannot read missing.jpg", 1),
        ([ROOT / "README.md"], "refused", 1),
    ],
)
def test_what_cannot_be_looked_at_is_said(view, words, said, code):
    done = view(*words)

    assert said in done.stdout + done.stderr
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_broker_that_is_away_is_said(view):
    done = view("--pi", "desk3", MQTT_HOST="127.0.0.1", MQTT_PORT=str(free_port()))

    assert "cannot be reached" in done.stderr
    assert done.returncode == 1
