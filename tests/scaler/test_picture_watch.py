"""The scaler's watch of a real broker."""

import math
import time
from dataclasses import replace

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from posture.mqtt.sessions import declare
from posture.settings import SessionSettings
from scaler.picture_watch import PictureWatch
from scaler.polling import NotKnownError
from scaler.settings import DemandSettings
from tests.fixtures.broker import broker_settings
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.settings import read_settings
from tests.worker.test_session import received


@pytest.fixture
def broker(tmp_path):
    with running_mosquitto(tmp_path / "broker") as running:
        yield running


class Watching:
    """A watch and the signs that it gave."""

    def __init__(self, port, version="5", **demand):
        self.signs = []
        settings = replace(broker_settings(port), version=version)
        demand = replace(read_settings(DemandSettings), **demand)
        self.watch = PictureWatch(settings, demand, self.signs.append)

    def __enter__(self):
        self.watch.start()
        return self

    def __exit__(self, *_):
        self.watch.stop()

    def wait_for(self, count):
        wait_until(lambda: len(self.signs) >= count, f"{count} signs")


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_picture_is_a_sign_within_a_second(broker, version):
    with Watching(broker.port, version) as watching:
        watching.wait_for(1)  # what came before nobody has seen
        begun = time.monotonic()
        broker.publish("images/pi1", b"a picture")
        watching.wait_for(2)
        assert watching.signs[-1] - begun < 1


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_retained_picture_is_no_sign(broker, version):
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish("images/pi1", b"old", qos=1, retain=True).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()
    with Watching(broker.port, version) as watching:
        watching.wait_for(1)
        broker.publish("images/pi2", b"new")
        watching.wait_for(2)
        assert len(watching.signs) == 2


def test_other_topics_are_no_signs(broker):
    with Watching(broker.port) as watching:
        watching.wait_for(1)
        broker.publish("doors/1", b"open")
        broker.publish("images/pi1", b"a")
        watching.wait_for(2)
        assert len(watching.signs) == 2


def test_the_worker_still_gets_every_picture(broker):
    session = SessionSettings(
        broker_settings(broker.port), "images/#", "worker", 1, "info"
    )
    declare(session)
    with Watching(broker.port) as watching:
        watching.wait_for(1)
        broker.publish("images/pi1", b"a", b"b")
        watching.wait_for(3)
    assert received(session, 2) == [b"a", b"b"]


def test_a_restarted_broker_is_a_sign_for_something_may_have_been_missed(broker):
    with Watching(broker.port) as watching:
        watching.wait_for(1)
        broker.stop()
        wait_until(lambda: watching.watch.age > 0, "the loss is noticed")
        watching.watch.check(staleness=60)
        away = r"away for \d+ s, limit 0 s: (connection lost|cannot be reached)"
        with pytest.raises(NotKnownError, match=away):
            watching.watch.check(staleness=0)
        broker.start()
        watching.wait_for(2)
        watching.watch.check(staleness=0)


def test_a_broker_that_was_never_reached_is_said():
    port = free_port()
    with Watching(port) as watching:
        wait_until(lambda: "reached" in watching.watch._problem, "the failure")
        with pytest.raises(NotKnownError, match=f"{port}: not reached yet.*refused"):
            watching.watch.check(staleness=3600)


def test_a_refused_connection_is_said(tmp_path):
    with (
        running_mosquitto(tmp_path / "broker", "allow_anonymous false") as broker,
        Watching(broker.port) as watching,
    ):
        wait_until(lambda: "refused" in watching.watch._problem, "the refusal")
        with pytest.raises(NotKnownError, match="Not authorized; check MQTT_USER"):
            watching.watch.check(staleness=3600)


def test_the_backlog_is_what_its_topic_told_last_and_unknown_without_the_broker(broker):
    with Watching(broker.port, backlog_topic="workers/backlog") as watching:
        watching.wait_for(1)
        assert math.isnan(watching.watch.backlog)
        broker.publish("workers/backlog", b"412")
        wait_until(lambda: watching.watch.backlog == 412, "the number")
        broker.publish("workers/backlog", b"no number")
        wait_until(lambda: math.isnan(watching.watch.backlog), "it is unknown")
        broker.publish("workers/backlog", b"7")
        wait_until(lambda: watching.watch.backlog == 7, "the number")
        broker.stop()
        wait_until(lambda: math.isnan(watching.watch.backlog), "it is unknown")


def test_a_backlog_above_its_floor_is_a_sign(broker):
    demand = {"backlog_topic": "workers/backlog", "backlog_above": 5.0}
    with Watching(broker.port, **demand) as watching:
        watching.wait_for(1)
        broker.publish("workers/backlog", b"5", b"", b"many", b"inf", b"6")
        watching.wait_for(2)
        broker.publish("images/pi1", b"a")
        watching.wait_for(3)
        assert len(watching.signs) == 3
