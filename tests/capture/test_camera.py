"""camera.py on a real broker: pictures, pauses, outages, and what it says of itself."""

import base64
import signal

import pytest

from tests.conftest import IMAGES
from tests.fixtures.listener import kept, listening
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import wait_until
from tests.fixtures.scripts import run_script, running_script

SCRIPT = "camera.py"
PICTURE = (IMAGES / "good_1280_000.jpg").read_bytes()
TOPIC, STATE, PAUSE = "images/desk3", "posture/desk3/camera", "posture/desk3/pause"


@pytest.fixture
def folder(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "a.jpg").write_bytes(PICTURE)
    return pictures


@pytest.fixture
def settings(broker, folder):
    return broker.environ | {
        "CAMERA_SOURCE": str(folder),
        "CAMERA_NAME": "desk3",
        "CAMERA_INTERVAL": "0.1",
    }


@pytest.fixture
def listener(broker):
    with listening(broker.port, TOPIC, STATE) as each:
        yield each


@pytest.fixture
def camera(settings, tmp_path, listener):
    with running_script(SCRIPT, folder=tmp_path, **settings) as script:
        wait_until(lambda: listener.payloads(TOPIC), "the first picture")
        yield script


def state_is(listener, state):
    wait_until(
        lambda: [each["state"] for each in listener.documents(STATE)[-1:]] == [state],
        f"the state {state}",
    )
    return listener.documents(STATE)[-1]["reason"]


def test_pictures_come_as_the_worker_wants_them(camera, listener):
    wait_until(lambda: len(listener.payloads(TOPIC)) > 2, "three pictures")
    assert base64.b64decode(listener.payloads(TOPIC)[0], validate=True) == PICTURE


def test_a_stop_is_gentle_and_leaves_the_state_at_the_broker(camera, broker):
    assert camera.stop() == 0
    assert b'"state": "offline"' in kept(broker.port, STATE)[STATE]


def test_a_camera_that_dies_is_told_by_the_broker(camera, listener):
    camera.process.send_signal(signal.SIGKILL)
    state_is(listener, "offline")


def test_a_pause_stops_pictures_until_it_is_ended(camera, listener, broker):
    broker.publish(PAUSE, b"on", retain=True)
    assert state_is(listener, "paused") == ""
    listener.wait_for_silence(TOPIC)
    count = len(listener.payloads(TOPIC))
    broker.publish(PAUSE, b"off", retain=True)
    state_is(listener, "online")
    wait_until(lambda: len(listener.payloads(TOPIC)) > count, "more pictures")


def test_minutes_of_pause_do_not_begin_anew_with_a_restart(
    camera, listener, broker, settings, tmp_path
):
    broker.publish(PAUSE, b"60", retain=True)
    until = state_is(listener, "paused")
    camera.stop()
    wait_until(lambda: kept(broker.port, PAUSE)[PAUSE] != b"60", "the time is kept")
    assert kept(broker.port, PAUSE)[PAUSE].decode() in until
    state_is(listener, "offline")
    with running_script(SCRIPT, folder=tmp_path, **settings):
        assert state_is(listener, "paused") == until


def test_what_is_no_pause_is_said_and_changes_nothing(camera, broker, listener):
    broker.publish(PAUSE, b"after lunch")
    camera.wait_for("'after lunch' is no pause")
    count = len(listener.payloads(TOPIC))
    wait_until(lambda: len(listener.payloads(TOPIC)) > count, "more pictures")


def test_an_unplugged_camera_is_told_with_the_remedy_and_comes_back(
    camera, listener, folder
):
    (folder / "a.jpg").rename(folder / "a.txt")
    assert "has no picture" in state_is(listener, "no_picture")
    camera.wait_for("ERROR")
    (folder / "a.txt").rename(folder / "a.jpg")
    state_is(listener, "online")


def test_pictures_wait_for_a_broker_that_is_away(camera, broker, listener, folder):
    broker.stop()
    camera.wait_for("pictures wait in memory")
    (folder / "a.jpg").write_bytes(PICTURE + b"while it was away")
    camera.wait_for("ERROR")
    broker.start()
    away = base64.b64encode(PICTURE + b"while it was away")
    wait_until(lambda: away in listener.payloads(TOPIC), "what has waited")


def test_a_second_camera_of_the_same_name_is_noticed(camera, settings, tmp_path):
    with running_script(SCRIPT, folder=tmp_path, **settings):
        camera.wait_for("is another camera called desk3?")


def test_quiet_hours_are_quiet(settings, tmp_path, listener):
    hours = {"CAMERA_QUIET": "00:00-23:59", "CAMERA_TIMEZONE": "UTC"}
    with running_script(SCRIPT, folder=tmp_path, **settings | hours):
        listener.wait_for(STATE)
        assert state_is(listener, "quiet") == "until 23:59"
    assert listener.payloads(TOPIC) == []


def test_one_picture_can_be_sent_or_looked_at(settings, tmp_path, listener):
    once = run_script(SCRIPT, "--once", folder=tmp_path, **settings)
    assert once.returncode == 0, once.stderr
    wait_until(lambda: listener.payloads(TOPIC), "the picture")
    look = run_script(SCRIPT, "--save", "look.jpg", folder=tmp_path, **settings)
    assert look.returncode == 0, look.stderr
    assert (tmp_path / "look.jpg").read_bytes() == PICTURE


def test_one_picture_that_cannot_be_taken_is_an_error(settings, tmp_path, folder):
    (folder / "a.jpg").unlink()
    done = run_script(SCRIPT, "--once", folder=tmp_path, **settings)
    assert done.returncode == 1
    assert "has no picture" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CAMERA_SOURCE", "rtsp://admin:secret-pw@10.0.0.9/x", "CAMERA_PASSWORD"),
        ("CAMERA_SOURCE", "ftp://10.0.0.9/x", "one of /dev/video0, rpicam"),
        ("CAMERA_SOURCE", "nowhere", "there is no folder of this name"),
        ("CAMERA_NAME", "desk 3", "a name of letters, digits"),
        ("CAMERA_NAME", "../desk3", "a name of letters, digits"),
    ],
)
def test_wrong_settings_are_named_without_a_password(
    settings, tmp_path, name, value, said
):
    done = run_script(SCRIPT, folder=tmp_path, **settings | {name: value})
    assert done.returncode == 2
    assert said in done.stderr
    assert "secret-pw" not in done.stderr


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_picture_that_is_too_large_for_the_broker_stops_no_other(
    tmp_path, folder, version
):
    (folder / "b.jpg").write_bytes(PICTURE + b"\0" * 900_000)
    extra = "max_packet_size 1000000"
    with running_mosquitto(tmp_path / "broker", extra) as broker:
        settings = broker.environ | {
            "CAMERA_SOURCE": str(folder),
            "CAMERA_NAME": "desk3",
            "CAMERA_INTERVAL": "1",
            "MQTT_VERSION": version,
        }
        with (
            listening(broker.port, TOPIC) as listener,
            running_script(SCRIPT, folder=tmp_path, **settings) as script,
        ):
            script.wait_for("a picture is not sent", 120)
            before = len(listener.payloads(TOPIC))
            wait_until(
                lambda: len(listener.payloads(TOPIC)) > before, "the next picture", 60
            )
    assert "takes no packet" in script.log
