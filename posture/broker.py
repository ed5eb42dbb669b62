"""A durable subscription at the broker, acknowledged by hand.

The broker keeps the session between runs of the worker, under its client id, and hands
out again whatever was not acknowledged when a connection ended. paho's network thread
only passes messages on; it never waits for anything.
"""

import logging
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from broker_settings import BrokerSettings
from posture.mqtt import connect, new_client, subscribe

log = logging.getLogger(__name__)

_TAKEN_OVER = 0x8E
_QUICK = 5.0  # seconds; a connection that ends sooner was not a good one
_QUICK_LOSSES = 3
_DELAYS = (1, 30)  # seconds between attempts, first and longest
_DELAYS_WHEN_EVICTED = (20, 60)


@dataclass(frozen=True)
class Message:
    """One delivery of a picture."""

    generation: int
    mid: int
    qos: int
    topic: str
    payload: bytes = field(repr=False)
    received: datetime = field(default_factory=lambda: datetime.now(UTC))


class Subscription:
    """A durable session at the broker that hands each message to `deliver`."""

    def __init__(
        self,
        settings: BrokerSettings,
        client_id: str,
        topic: str,
        deliver: Callable[[Message], None],
        window: int,
        on_ready: Callable[[], None],
    ) -> None:
        """Prepare; nothing is connected yet.

        `deliver` is called in the network thread and must not wait; neither must
        `on_ready`, which is called once, when the broker has first confirmed the
        subscription. At most `window` messages are unacknowledged at a time, with a
        broker that keeps to it.
        """
        self._settings = settings
        self._topic = topic
        self._deliver = deliver
        self._window = window
        self._on_ready: Callable[[], None] | None = on_ready
        # A message may be acknowledged only on the connection that brought it: when the
        # broker has lost the session its numbers start again, and an old
        # acknowledgement would confirm a new picture.
        self._lock = threading.Lock()
        self._generation = 0
        self._order: dict[int, bool] = {}  # by number: whether it is done
        self._connected = False
        self._connected_at = 0.0
        self._quick_losses = 0
        self.subscribed = threading.Event()
        self._client = self._make_client(client_id)

    def _make_client(self, client_id: str) -> Client:
        client = new_client(self._settings, client_id, durable=True)
        client.manual_ack_set(True)
        client.reconnect_delay_set(*_DELAYS)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def start(self) -> None:
        """Connect, and connect again whenever needed, in a thread of its own."""
        connect(self._client, self._settings, durable=True, window=self._window)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect, once what was acknowledged has been sent; the session stays."""
        self._client.disconnect()
        self._client.loop_stop()
        self._connection_ended()

    def acknowledge(self, message: Message) -> bool:
        """Tell the broker that `message` is done; False when it will come again.

        The broker hears of it when everything delivered before is done too: MQTT wants
        acknowledgements in the order of delivery (section 4.6), and some brokers end
        the connection otherwise.
        """
        with self._lock:
            if not self._connected or message.generation != self._generation:
                return False
            if message.qos:
                self._order[message.mid] = True
            while self._order and (first := next(iter(self._order.items())))[1]:
                del self._order[first[0]]
                self._client.ack(first[0], 1)
            return True

    def _on_connect(
        self,
        client: Client,
        _userdata: Any,  # noqa: ANN401
        flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.error(
                "broker %s:%d refused the connection: %s; check MQTT_USER and "
                "MQTT_PASSWORD, and MQTT_VERSION",
                self._settings.host,
                self._settings.port,
                reason,
            )
            return
        with self._lock:
            self._generation += 1
            self._order.clear()
            self._connected = True
        self._connected_at = time.monotonic()
        if not flags.session_present:
            log.info("the broker has no session for us yet: it begins now")
        subscribe(client, self._settings, self._topic)

    def _on_connect_fail(self, _client: Client, _userdata: Any) -> None:  # noqa: ANN401
        # paho calls this while it handles the error, which it keeps to itself.
        log.error(
            "cannot reach the broker at %s:%d: %s; trying again",
            self._settings.host,
            self._settings.port,
            sys.exception(),
        )

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: Any,  # noqa: ANN401
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if reasons[0].is_failure:
            log.error(
                "the broker refuses the subscription to %s: %s; allow it in its ACL",
                self._topic,
                reasons[0],
            )
            return
        self.subscribed.set()
        if self._on_ready:
            self._on_ready()
            self._on_ready = None

    def _on_message(
        self,
        _client: Client,
        _userdata: Any,  # noqa: ANN401
        message: MQTTMessage,
    ) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "images/undecodable"
        with self._lock:
            if message.qos:
                self._order.setdefault(message.mid, False)
        # Only this thread changes the generation, so no lock is needed to read it.
        self._deliver(
            Message(
                self._generation,
                message.mid,
                message.qos,
                topic,
                bytes(message.payload),
            )
        )

    def _on_disconnect(
        self,
        client: Client,
        _userdata: Any,  # noqa: ANN401
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not self._connection_ended():
            return
        quick = time.monotonic() - self._connected_at < _QUICK
        self._quick_losses = self._quick_losses + 1 if quick else 0
        if reason == 0:
            return
        if reason.value == _TAKEN_OVER or self._quick_losses >= _QUICK_LOSSES:
            low, high = _DELAYS_WHEN_EVICTED
            client.reconnect_delay_set(low + random.randint(0, low), high)  # noqa: S311
            log.error(
                "the connection is lost again and again (%s): another worker with the "
                "same client id? Each needs its own MQTT_CLIENT_ID; waiting a while",
                reason,
            )
        else:
            client.reconnect_delay_set(*_DELAYS)
            log.warning("connection to the broker lost: %s; connecting again", reason)

    def _connection_ended(self) -> bool:
        with self._lock:
            was_connected, self._connected = self._connected, False
        self.subscribed.clear()
        return was_connected
