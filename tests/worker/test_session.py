"""The worker's durable session, declared before any worker runs."""

import threading

import pytest

from common.errors import OperatorError
from posture.mqtt.sessions import declare
from posture.mqtt.subscription import Subscription
from posture.settings import SessionSettings
from tests.fixtures.broker import broker_settings
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.worker import WorkerProcess


def session(port: int, client_id: str) -> SessionSettings:
    return SessionSettings(broker_settings(port), "images/#", client_id, 1, "info")


def received(settings: SessionSettings, expected: int) -> list[bytes]:
    """What waits for the worker of that session."""
    messages = []
    ready = threading.Event()
    worker = Subscription(
        settings.broker,
        settings.client_id,
        settings.topic,
        messages.append,
        window=10,
        on_ready=ready.set,
    )
    worker.start()
    try:
        assert ready.wait(20)
        wait_until(lambda: len(messages) >= expected, f"{expected} messages")
    finally:
        worker.stop()
    return [message.payload for message in messages]


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with running_mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


def test_pictures_published_after_the_declaration_wait_for_the_worker(tmp_path, broker):
    command = WorkerProcess(tmp_path, broker.environ, "declare", "--client-id", "first")
    assert command.wait() == 0, command.log
    broker.publish("images/pi1", b"a", b"b")
    assert received(session(broker.port, "first"), 2) == [b"a", b"b"]


def test_declaring_twice_keeps_what_waits(broker):
    declare(session(broker.port, "second"))
    broker.publish("images/pi1", b"a")
    declare(session(broker.port, "second"))
    assert received(session(broker.port, "second"), 1) == [b"a"]


def test_without_a_declaration_the_picture_is_gone(broker):
    broker.publish("images/pi1", b"a")
    assert received(session(broker.port, "never declared"), 0) == []


def test_an_unreachable_broker_is_named():
    port = free_port()
    with pytest.raises(OperatorError, match=f"127.0.0.1:{port} did not confirm"):
        declare(session(port, "third"), deadline=0.5)
