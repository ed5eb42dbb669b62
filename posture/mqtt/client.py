"""How this project talks to an MQTT broker: clients made from the settings.

paho's own defaults would lose pictures: they wipe a durable session at the first
connect, and deliver retained pictures again at every reconnect.
"""

import ssl
import threading

from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from common.broker_settings import BrokerSettings, tls_context
from common.errors import OperatorError

LARGEST = 14_000_000
"""Bytes of a packet that must fit: a 10 MB picture in Base64."""

_FOREVER = 0xFFFFFFFF  # session expiry interval: never
_NEW_SUBSCRIPTION_ONLY = 1  # retain handling: a reconnect brings no retained picture


def new_client(settings: BrokerSettings, client_id: str, *, durable: bool) -> Client:
    """A client with the credentials and certificates of the settings, not connected.

    Raises:
        OperatorError: the certificate files cannot be used.
    """
    five = settings.version == "5"
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if five else not durable,
        protocol=MQTTv5 if five else MQTTv311,
    )
    if settings.user:
        client.username_pw_set(settings.user, settings.password)
    if settings.tls:
        client.tls_set_context(_tls(settings))
    return client


def connect(
    client: Client, settings: BrokerSettings, *, durable: bool, window: int = 100
) -> None:
    """Connect once the client's loop runs, and again whenever the connection is lost.

    A durable session outlives the connection. At most `window` messages come before
    one is acknowledged, with a broker that keeps to it (MQTT 5 only).
    """
    it = settings
    if it.version != "5":
        client.connect_async(it.host, it.port, it.keepalive)
        return
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = _FOREVER if durable else 0
    properties.ReceiveMaximum = window
    client.connect_async(
        it.host,
        it.port,
        it.keepalive,
        clean_start=not durable,
        properties=properties,
    )


def subscribe(client: Client, settings: BrokerSettings, topic: str) -> None:
    """Ask for `topic` at QoS 1."""
    if settings.version == "5":
        wanted = SubscribeOptions(qos=1, retainHandling=_NEW_SUBSCRIPTION_ONLY)
        client.subscribe(topic, options=wanted)
    else:
        client.subscribe(topic, qos=1)


def forget(settings: BrokerSettings, client_id: str, deadline: float = 15) -> None:
    """End the durable session of that name, and what waits in it.

    Raises:
        OperatorError: the broker did not confirm in time.
    """
    client = new_client(settings, client_id, durable=False)
    done = threading.Event()
    client.on_connect = lambda *_: done.set()
    connect(client, settings, durable=False)
    client.loop_start()
    confirmed = done.wait(deadline)
    client.disconnect()
    client.loop_stop()
    if not confirmed:
        raise OperatorError(
            f"the broker at {settings.host}:{settings.port} did not end the session "
            f"{client_id!r} within {deadline:g} s"
        )


def _tls(settings: BrokerSettings) -> ssl.SSLContext:
    try:
        return tls_context(settings)
    except ValueError as error:
        raise OperatorError(str(error)) from error
