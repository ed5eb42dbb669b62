"""A broker that grants less than is wanted: all go on, and each says it by name.

HiveMQ, for it can be told to grant less of everything.
"""

import argparse
from datetime import UTC, datetime

import pytest

from common.errors import OperatorError
from launcher.checks.worker import worker_checks
from nudge.messengers import messengers
from nudge.patience import Nudge
from nudge.settings import NudgeSettings
from posture.mqtt.replay import replay
from posture.settings import ReplaySettings
from posture.store.quarantine import Quarantine
from tests.brokers.scene import Scene, playing
from tests.brokers.servers.hivemq import HiveMQ
from tests.brokers.wanted import prepared
from tests.fixtures.listener import listening
from tests.fixtures.net import wait_until
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import WorkerProcess

ONE = {"MQTT_TOPIC": "images/pi1"}


class Stingy(HiveMQ):
    limits = """
<receive-maximum><server-receive-maximum>10</server-receive-maximum></receive-maximum>
<session-expiry><max-interval>7200</max-interval></session-expiry>
<packets><max-packet-size>1000000</max-packet-size></packets>
<wildcard-subscriptions><enabled>false</enabled></wildcard-subscriptions>
<retained-messages><enabled>false</enabled></retained-messages>
"""


class Careless(HiveMQ):
    limits = "<quality-of-service><max-qos>0</max-qos></quality-of-service>"


@pytest.fixture(scope="module")
def stingy(tmp_path_factory, _postgres):
    prepared("hivemq")
    folder = tmp_path_factory.mktemp("stingy")
    with playing(Stingy, _postgres, folder) as scene:
        yield scene


def command(scene: Scene, name: str, **environ: str) -> WorkerProcess:
    done = WorkerProcess(scene.folder / name, scene.server.environ | environ, name)
    assert done.wait(60) == 1, done.log
    return done


def doctor(scene: Scene, **environ: str) -> str:
    """What the launcher's check of the broker says against it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (scene.server.environ | environ).items():
            patch.setenv(name, value)
        with pytest.raises(OperatorError) as caught:
            worker_checks(argparse.Namespace())[0].ask()
    return str(caught.value)


def test_declare_probe_and_doctor_say_that_a_session_ends(stingy):
    words = "ends a session 2 hours after its worker is gone"
    assert words in command(stingy, "declare", **ONE).log
    assert words in command(stingy, "probe", **ONE).log
    assert words in doctor(stingy, **ONE)


def test_a_filter_with_wildcards_is_said(stingy):
    assert "no subscriptions with wildcards" in command(stingy, "declare").log


def test_a_worker_records_all_and_says_what_is_less(stingy):
    worker = stingy.work(**ONE, PUBLISH_RESULTS="true")
    worker.wait_for("ready: ", 60)
    with listening(stingy.server.port, "posture/pi1/status") as listener:
        stingy.publish(160)
        stingy.wait_for_rows(160)
        wait_until(lambda: listener.messages, "a result")
    assert stingy.counted() == (0, 0)
    assert worker.stop() == 0
    for words in (
        "ends a session 2 hours after",
        "takes no packet above 1000000 bytes",
        "keeps no retained messages",
    ):
        assert worker.log.count(words) == 1


def test_nudges_are_published(stingy):
    settings = settings_from(
        NudgeSettings,
        stingy.server.environ | stingy.postgres.environ | {"NUDGE_MQTT": "true"},
    )
    with listening(stingy.server.port, "posture/desk1/nudge") as listener:
        now = datetime.now(UTC)
        assert messengers(settings)(Nudge("desk1", 20, 30, now))
        wait_until(lambda: listener.messages, "the nudge")


def test_what_was_refused_is_put_back(stingy, tmp_path):
    folder = tmp_path / "quarantine"
    name = "20261125T120000_0123456789ab"
    Quarantine(folder, 1 << 20).keep(name, "pi1", "images/pi1", b"no picture", "test")
    environ = stingy.server.environ | {"QUARANTINE_FOLDER": str(folder)}
    with listening(stingy.server.port, "images/pi1") as listener:
        assert replay(settings_from(ReplaySettings, environ)) == 1
        wait_until(lambda: listener.payloads("images/pi1"), "the message")


def test_qos_0_alone_is_said_by_all(postgres, tmp_path):
    prepared("hivemq")
    with playing(Careless, postgres, tmp_path) as scene:
        words = "takes nothing but QoS 0"
        assert words in command(scene, "declare").log
        assert words in command(scene, "probe").log
        assert words in doctor(scene)
        with pytest.raises(OperatorError, match=words):
            scene.publish(1)
        worker = scene.work()
        worker.wait_for("ready: ", 60)
        assert words in worker.log
