"""Brokers that are started for tests, by name."""

from tests.brokers.servers.activemq import ActiveMQ
from tests.brokers.servers.aedes import Aedes
from tests.brokers.servers.amqtt import Amqtt
from tests.brokers.servers.artemis import Artemis
from tests.brokers.servers.hivemq import HiveMQ
from tests.brokers.servers.mochi import Mochi
from tests.brokers.servers.moquette import Moquette
from tests.brokers.servers.mosquitto import Mosquitto
from tests.brokers.servers.nats import Nats
from tests.brokers.servers.rabbitmq import RabbitMQ
from tests.brokers.servers.rumqttd import Rumqttd
from tests.brokers.servers.server import Server

SERVERS: dict[str, type[Server]] = {
    "mosquitto": Mosquitto,
    "rabbitmq": RabbitMQ,
    "artemis": Artemis,
    "hivemq": HiveMQ,
    "nats": Nats,
    "activemq": ActiveMQ,
    "aedes": Aedes,
    "moquette": Moquette,
    "mochi": Mochi,
    "rumqttd": Rumqttd,
    "amqtt": Amqtt,
}
