"""deploy/mosquitto.conf on a real Mosquitto: a file of its own, and in conf.d."""

import getpass
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.reaper import ends_with_us
from tests.fixtures.worker import ROOT

PACKAGED = Path("/etc/mosquitto/mosquitto.conf")
TEXT = (ROOT / "deploy" / "mosquitto.conf").read_text()


class Shipped(Mosquitto):
    """A broker with our file, whose paths and port alone are changed."""

    def __init__(self, folder, packaged):
        super().__init__(folder)
        self.cameras = free_port()
        ports = {"1883": self.port, "1884": self.cameras}
        ours = re.sub(
            r"^listener (\d+)$",
            lambda line: f"listener {ports[line[1]]} 127.0.0.1",
            TEXT,
            flags=re.MULTILINE,
        )
        etc = {"/etc/mosquitto": str(folder)}
        # Started by root it would become a user who cannot read here.
        user = f"user {getpass.getuser()}\n"
        self._where = folder
        if packaged:
            (folder / "conf.d").mkdir()
            (folder / "conf.d" / "posture.conf").write_text(_moved(ours, etc))
            etc |= {
                each: str(folder) for each in ("/run/mosquitto", "/var/log/mosquitto")
            }
            etc |= {"/var/lib/mosquitto": str(folder)}
            self._where = Path("/")
            ours = PACKAGED.read_text()
        (folder / "mosquitto.conf").write_text(user + _moved(ours, etc))
        for name in ("posture.acl", "cameras.acl"):
            shutil.copy(ROOT / "deploy" / name, folder)
        make_users(folder)

    def start(self):
        command = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [command, "-c", str(self.folder / "mosquitto.conf")],
                cwd=self._where,
                stdout=said,
                stderr=said,
            )
        ends_with_us(self._process.pid)
        wait_until(lambda: self.login("posture", "geheim") == "Success", "a login")

    def login(self, user, password, port=None):
        """What the broker says to a login."""
        answers = []
        client = mqtt.Client(CallbackAPIVersion.VERSION2, "c", protocol=mqtt.MQTTv5)
        client.on_connect = lambda *_: answers.append(str(_[3]))
        client.username_pw_set(user, password)
        try:
            client.connect("127.0.0.1", port or self.port)
        except ConnectionError:
            assert self._process.poll() is None, (self.folder / "said").read_text()
            return None
        wait_until(lambda: client.loop(0.05) or answers, "an answer")
        client.disconnect()
        return answers[0]


def make_users(folder):
    """What the head of the file says, with a password that is typed in."""
    commands = re.findall(r"^# +sudo (mosquitto_passwd .*)$", TEXT, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        words = _moved(command, {"/etc/mosquitto": str(folder)}).split()
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp(words[0], words)  # noqa: S606 - as a user types it
        for prompt in (b"Password:", b"Reenter password:"):
            said = b""
            while prompt not in said:
                said += os.read(terminal, 100)
            os.write(terminal, b"geheim\n")
        assert os.waitpid(pid, 0)[1] == 0
        os.close(terminal)


def _moved(text, folders):
    for before, after in folders.items():
        text = text.replace(before, after)
    return text


@pytest.fixture(params=["of its own", "in Debian's conf.d"])
def shipped(request, tmp_path):
    packaged = request.param != "of its own"
    if packaged and not PACKAGED.exists():
        pytest.skip(f"no {PACKAGED}: Mosquitto is not Debian's package")
    broker = Shipped(tmp_path / "etc", packaged)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def test_it_starts_and_lets_nobody_in_without_a_login(shipped):
    assert shipped.login("posture", "geheim") == "Success"
    assert shipped.login("posture", "other") == "Not authorized"
    assert shipped.login(None, None) == "Not authorized"


def test_what_waits_for_an_absent_worker_survives_a_restart(shipped):
    def client(clean):
        made = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            "w",
            protocol=mqtt.MQTTv311,
            clean_session=clean,
        )
        made.username_pw_set("posture", "geheim")
        got = []
        made.on_message = lambda *_: got.append(_[2].payload)
        made.connect("127.0.0.1", shipped.port)
        made.loop_start()
        wait_until(made.is_connected, "a connection")
        return made, got

    worker, _ = client(clean=False)
    worker.subscribe("images/#", 1)
    worker.publish("images/other", b"1", 1).wait_for_publish(10)
    worker.disconnect()
    worker.loop_stop()
    camera = mqtt.Client(CallbackAPIVersion.VERSION2, "cam")
    camera.username_pw_set("posture", "geheim")
    camera.connect("127.0.0.1", shipped.port)
    camera.loop_start()
    camera.publish("images/desk", b"picture", 1).wait_for_publish(10)
    camera.disconnect()
    camera.loop_stop()
    shipped.stop()
    shipped.start()
    worker, got = client(clean=False)
    wait_until(lambda: b"picture" in got, "what waited")
    worker.disconnect()
    worker.loop_stop()


class Client:
    """A client that counts what it is sent, and what the broker confirms."""

    def __init__(self, port, user, client_id, *, clean=True):
        self.got = []
        self._made = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5
        )
        self._made.username_pw_set(user, "geheim")
        self._made.on_message = lambda *_: self.got.append((_[2].topic, _[2].payload))
        forever = mqtt.Properties(mqtt.PacketTypes.CONNECT)
        forever.SessionExpiryInterval = 0xFFFFFFFF
        self._made.connect(
            "127.0.0.1", port, clean_start=clean, properties=None if clean else forever
        )
        self._made.loop_start()
        wait_until(self._made.is_connected, "a connection")

    def subscribe(self, *topics):
        self._made.subscribe([(topic, 1) for topic in topics])
        return self

    def publish(self, topic, payload, *, retain=False):
        self._made.publish(topic, payload, 1, retain).wait_for_publish(10)

    def end(self):
        self._made.disconnect()
        self._made.loop_stop()


def test_a_camera_sends_its_own_pictures_and_sees_no_others(shipped):
    ours = Client(shipped.port, "posture", "w").subscribe("images/#", "posture/#")
    desk1 = Client(shipped.cameras, "desk1", "a").subscribe("#", "images/#", "+/+")
    desk2 = Client(shipped.cameras, "desk2", "b").subscribe("images/desk1", "posture/#")
    ours.publish("posture/desk1/status", b"told")
    for topic in ("images/desk2", "images/desk1/x", "posture/desk2/pause", "x"):
        desk1.publish(topic, b"foreign")
    desk1.publish("posture/desk1/camera", b"here")
    desk1.publish("images/desk1", b"own")
    wait_until(lambda: ("images/desk1", b"own") in ours.got, "the picture")
    ours.publish("posture/desk1/pause", b"60", retain=True)
    wait_until(lambda: desk1.got == [("posture/desk1/pause", b"60")], "the pause")
    assert not [each for each in ours.got if each[1] == b"foreign"]
    assert desk2.got == []
    for each in (ours, desk1, desk2):
        each.end()


def test_a_cameras_password_is_none_of_ours_and_ours_none_of_a_camera(shipped):
    assert shipped.login("desk1", "geheim", shipped.cameras) == "Success"
    assert shipped.login("desk1", "geheim") == "Not authorized"
    assert shipped.login("posture", "geheim", shipped.cameras) == "Not authorized"
    assert shipped.login(None, None, shipped.cameras) == "Not authorized"


def test_a_camera_cannot_wipe_the_workers_session_by_its_client_id(shipped):
    worker = Client(shipped.port, "posture", "posture-analyzer", clean=False)
    worker.subscribe("images/#")
    worker.publish("images/other", b"1")
    wait_until(lambda: worker.got, "the subscription")
    worker.end()
    thief = Client(shipped.cameras, "desk1", "posture-analyzer", clean=True)
    thief.publish("images/desk1", b"picture")
    thief.end()
    worker = Client(shipped.port, "posture", "posture-analyzer", clean=False)
    wait_until(lambda: ("images/desk1", b"picture") in worker.got, "what waited")
    worker.end()


@pytest.mark.parametrize("command", ["declare", "probe", "status"])
def test_the_workers_rights_are_enough(shipped, command):
    done = subprocess.run(
        [sys.executable, ROOT / "mqtt_posture_analyzer_with_db.py", command],
        env={
            "MQTT_HOST": "127.0.0.1",
            "MQTT_PORT": str(shipped.port),
            "MQTT_USER": "posture",
            "MQTT_PASSWORD": "geheim",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Not authorized" not in done.stdout + done.stderr
    if command != "status":  # which tells that nobody is declared yet
        assert done.returncode == 0, done.stdout + done.stderr
