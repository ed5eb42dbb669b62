"""deploy/mosquitto.conf on a real Mosquitto: a file of its own, and in conf.d."""

import getpass
import shutil
import subprocess
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.net import wait_until
from tests.fixtures.worker import ROOT

PACKAGED = Path("/etc/mosquitto/mosquitto.conf")
TEXT = (ROOT / "deploy" / "mosquitto.conf").read_text()


class Shipped(Mosquitto):
    """A broker with our file, whose paths and port alone are changed."""

    def __init__(self, folder, packaged):
        super().__init__(folder)
        ours = TEXT.replace("listener 1883", f"listener {self.port} 127.0.0.1")
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
        passwords = folder / "passwords"
        passwords.write_text("posture:geheim\n")
        passwords.chmod(0o600)
        subprocess.run(["mosquitto_passwd", "-U", passwords], check=True)

    def start(self):
        command = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        with (self.folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [command, "-c", str(self.folder / "mosquitto.conf")],
                cwd=self._where,
                stdout=said,
                stderr=said,
            )
        wait_until(lambda: self.login("posture", "geheim") == "Success", "a login")

    def login(self, user, password):
        """What the broker says to a login."""
        answers = []
        client = mqtt.Client(CallbackAPIVersion.VERSION2, "c", protocol=mqtt.MQTTv5)
        client.on_connect = lambda *_: answers.append(str(_[3]))
        client.username_pw_set(user, password)
        try:
            client.connect("127.0.0.1", self.port)
        except ConnectionError:
            assert self._process.poll() is None, (self.folder / "said").read_text()
            return None
        wait_until(lambda: client.loop(0.05) or answers, "an answer")
        client.disconnect()
        return answers[0]


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
    broker.start()
    yield broker
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
