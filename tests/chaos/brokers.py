"""Which broker the stage has: Mosquitto, or one of `tests/brokers`."""

from pathlib import Path

import paho.mqtt.client as mqtt

from tests.brokers.servers import SERVERS
from tests.brokers.servers.server import Server
from tests.fixtures.cameras import Cameras
from tests.fixtures.mosquitto import Mosquitto

Broker = Mosquitto | Server
_BROKER_LOG = "".join(
    f"log_type {kind}\n"
    for kind in ("error", "warning", "notice", "information", "subscribe")
)
_SMALL_WINDOW = 10  # pictures on their way; HiveMQ takes no more


def broker_of(folder: Path, name: str, surroundings: dict[str, str]) -> Broker:
    """The broker of that name, not started; Mosquitto alone takes the surroundings."""
    if name != "mosquitto":
        SERVERS[name].prepare()
        return SERVERS[name](folder)
    broker = Mosquitto(folder, _BROKER_LOG)
    broker.surroundings = surroundings
    return broker


def cameras_of(
    broker: Broker, pictures: list[bytes], rate: float, workers: int
) -> Cameras:
    """Cameras that speak as the broker does."""
    if isinstance(broker, Mosquitto):
        return Cameras(broker.port, pictures, rate, workers)
    return Cameras(
        broker.port,
        pictures,
        rate,
        workers,
        version=mqtt.MQTTv5 if broker.mqtt == "5" else mqtt.MQTTv311,
        window=_SMALL_WINDOW,
        # Where the broker numbers anew, two equal ones may count as one.
        twins="a new number" not in broker.verdict,
    )
