"""Who only looks at sessions changes none of them."""

import dataclasses
import threading

import pytest

from posture.mqtt import sessions
from posture.mqtt.sessions import State, declare, look, tells_sessions
from posture.mqtt.subscription import Subscription
from posture.settings import SessionSettings
from tests.fixtures.broker import broker_settings
from tests.fixtures.net import wait_until


def session(broker, version: str) -> SessionSettings:
    settings = dataclasses.replace(broker_settings(broker.port), version=version)
    return SessionSettings(settings, "images/#", "w", 1, "info")


@pytest.fixture(params=["5", "3.1.1"])
def settings(request, broker):
    return session(broker, request.param)


def test_a_look_at_what_does_not_exist_leaves_nothing(settings):
    assert look(settings) == [State("w", False, 0)]
    assert look(settings) == [State("w", False, 0)]


def test_a_look_gives_way_to_a_worker_that_comes_meanwhile(
    settings, broker, monkeypatch
):
    monkeypatch.setattr(sessions, "_SILENCE", 10)  # it comes while the look goes on
    messages, found = [], []
    worker = Subscription(settings.broker, "w", "images/#", messages.append, 100)
    looking = threading.Thread(target=lambda: found.extend(look(settings)))
    looking.start()
    try:
        wait_until(lambda: " as w " in broker.log, "the look is connected")
        worker.start()
        assert worker.subscribed.wait(20)
        looking.join(30)
        assert found[0].exists
        broker.publish("images/pi1", b"a", b"b")
        wait_until(lambda: len(messages) == 2, "what was accepted for it")
    finally:
        worker.stop()


def test_what_waits_is_counted_and_left(settings, broker):
    declare(settings)
    broker.publish("images/pi1", b"a", b"b")
    assert look(settings) == [State("w", True, 2)]
    assert str(look(settings)[0]) == "w: at least 2 waiting"


def test_mosquitto_says_whether_it_has_a_session(settings):
    assert tells_sessions(settings.broker)


def test_a_session_that_was_declared_and_is_lost_is_said(broker, caplog):
    settings = session(broker, "5")
    declare(settings)
    lost = []
    worker = Subscription(
        settings.broker,
        "w",
        "images/#",
        lambda _message: None,
        100,
        on_lost_session=lambda: lost.append(True),
    )
    worker.start()
    try:
        assert worker.subscribed.wait(20)
        assert not lost
        broker.stop()
        (broker.folder / "mosquitto.db").unlink()
        broker.start()
        wait_until(lambda: lost, "it is noticed", 30)
    finally:
        worker.stop()
    assert "the broker has lost our session" in caplog.text


def test_a_session_is_ended_only_by_who_has_it(settings, broker):
    one, other = (
        Subscription(settings.broker, "w", "images/#", lambda _message: None, 100)
        for _ in range(2)
    )
    one.start()
    assert one.subscribed.wait(20)
    other.start()
    assert other.subscribed.wait(20)
    wait_until(lambda: not one.subscribed.is_set(), "the first is put out")
    assert not one.end()
    other.stop()
    assert look(settings)[0].exists
