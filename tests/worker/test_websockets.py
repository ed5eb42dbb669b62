"""MQTT over WebSockets, on a real broker."""

import pytest

from common.broker_settings import BrokerSettings
from common.publisher import Publisher
from tests.fixtures.listener import listening
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ForkedWorker
from tests.worker.conftest import GOOD, payload


@pytest.fixture
def broker(tmp_path):
    port = free_port()
    extra = f"listener {port} 127.0.0.1\nprotocol websockets\nallow_anonymous true"
    with running_mosquitto(tmp_path / "broker", extra) as running:
        running.surroundings["PORT"] = str(port)
        yield running


def environ_of(broker, version: str) -> dict[str, str]:
    return {
        "MQTT_HOST": "127.0.0.1",
        "MQTT_PORT": broker.surroundings["PORT"],
        "MQTT_WEBSOCKET_PATH": "/mqtt",
        "MQTT_VERSION": version,
    }


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_picture_goes_out_and_comes_in(broker, version):
    settings = settings_from(BrokerSettings, environ_of(broker, version))
    with listening(broker.port, "images/pi1") as listener:
        with Publisher(settings) as camera:
            camera.send("images/pi1", bytes(1_000_000))
            camera.finish()
        wait_until(lambda: listener.messages, "the picture")


def test_a_worker_works_over_it(broker, postgres, tmp_path):
    environ = environ_of(broker, "5") | postgres.environ | {"THREADS": "1"}
    worker = ForkedWorker(tmp_path / "worker", environ)
    try:
        worker.wait_ready()
        broker.publish("images/pi1", payload(GOOD))
        wait_until(lambda: len(postgres.rows()) == 1, "the row", 60)
        assert worker.stop() == 0
    finally:
        worker.end()
