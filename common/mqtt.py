"""The one door to an MQTT broker: connections, and what the broker grants them.

The defaults of paho, the client library underneath, would lose pictures: they wipe a
durable session at the first connect, and deliver retained ones at every reconnect.
"""

import ssl
import threading
from typing import Any, Protocol

from paho.mqtt.client import MQTT_ERR_SUCCESS, error_string
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from common.broker_answers import FOREVER, Callbacks
from common.broker_settings import BrokerSettings, tls_context
from common.errors import OperatorError
from common.paho_client import PahoClient
from common.takes import Takes

RETAINED_ALWAYS = 0
"""Retain handling: each subscription brings what is retained."""

RETAINED_WHEN_NEW = 1
"""Retain handling: a reconnect brings no retained message."""

RETAINED_NEVER = 2
"""Retain handling: only what is published from now on."""


class Sent(Protocol):
    """A message on its way to the broker."""

    def is_published(self) -> bool:
        """Whether the broker has taken it."""

    def wait_for_publish(self, timeout: float | None = None) -> None:
        """Wait until the broker has taken it, for `timeout` seconds at most."""


class Connection:
    """A client of the broker, with the credentials and certificates of the settings.

    Everything but the constructor may be called in any thread.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        client_id: str,
        callbacks: Callbacks,
        *,
        durable: bool = False,
        by_hand: bool = False,
        window: int = 100,
        takes: Takes | None = None,
    ) -> None:
        """Prepare; nothing is connected yet.

        The session of a `durable` one outlives it; one that is not wipes what the
        broker has under this id. Messages are acknowledged `by_hand` or by themselves.
        At most `window` come before one is acknowledged, with a broker that keeps to
        it (MQTT 5 only). What `takes` knows of the broker serves other connections too.

        Raises:
            OperatorError: the certificate files cannot be used.
        """
        self._settings = settings
        self._durable = durable
        self._window = window
        self.client_id = client_id
        five = settings.version == "5"
        self._client = PahoClient(
            client_id, five=five, durable=durable, path=settings.websocket_path
        )
        if settings.user:
            self._client.username_pw_set(settings.user, settings.password)
        if settings.tls:
            self._client.tls_set_context(_tls(settings))
        self._client.manual_ack_set(by_hand)
        self._takes = takes or Takes()
        self._client.attach(callbacks, self._takes)

    def will(self, topic: str, payload: bytes) -> None:
        """What the broker is to retain when the connection ends without a farewell."""
        self._client.will_set(
            topic, payload, qos=self._takes.qos, retain=self._takes.retained
        )

    def delays(self, first: int, longest: int) -> None:
        """Seconds between attempts to connect."""
        self._client.reconnect_delay_set(first, longest)

    def start(self) -> None:
        """Connect, and again whenever that is lost, in a thread of its own."""
        self._aim()
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect, once what was acknowledged has been sent, and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def open(self) -> None:
        """Connect once, for a caller that keeps it going with `turn`.

        Raises:
            OSError: the broker cannot be reached.
        """
        self._aim()
        self._client.reconnect()

    def turn(self, seconds: float) -> str:
        """Do what there is to do, for so long; says why the connection ended, if so."""
        result = self._client.loop(seconds)
        return "" if result == MQTT_ERR_SUCCESS else error_string(result)

    def disconnect(self) -> None:
        """Say farewell, and make no connection again by itself."""
        self._client.disconnect()

    def remove_session(self, deadline: float) -> bool:
        """End the connection and the session; False if it is another client's now.

        With MQTT 5 the farewell itself ends the session, so another client's is never
        hit. MQTT 3.1.1 needs a second connection for it, which is made while this one
        still has the session.
        """
        if not self._client.is_connected():
            self.stop()
            return False
        if self._settings.version == "5":
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
            self._client.disconnect(properties=properties)
            self._client.loop_stop()
            return True
        done = threading.Event()
        wiping = Connection(
            self._settings,
            self.client_id,
            Callbacks(connected=lambda _granted: done.set()),
        )
        wiping.start()
        confirmed = done.wait(deadline)
        self.stop()
        wiping.stop()
        return confirmed

    def drop(self) -> None:
        """End it without a farewell, as a crash would."""
        if line := self._client.socket():
            line.close()

    def subscribe(
        self, *topics: str, qos: int = 1, retained: int = RETAINED_WHEN_NEW
    ) -> None:
        """Ask for topics; `retained` is heard by brokers of MQTT 5."""
        if self._settings.version == "5":
            wanted = SubscribeOptions(qos=qos, retainHandling=retained)
            self._client.subscribe([(topic, wanted) for topic in topics])
        else:
            self._client.subscribe([(topic, qos) for topic in topics])

    def unsubscribe(self, topic: str) -> None:
        """Want nothing of that topic any more."""
        self._client.unsubscribe(topic)

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> Sent:
        """Send a message; returns at once.

        A broker that retains nothing, or takes no QoS 1, gets it without.
        """
        if retain and not self._takes.retained:
            self._takes.tell()
            retain = False
        qos = min(qos, self._takes.qos)
        return self._client.publish(topic, payload, qos=qos, retain=retain)

    def give_up_largest(self, least: int) -> int:
        """Forget the largest message on its way, of at least so many bytes.

        Gives its size, 0 if there is none. Only for when a connection has begun: then
        paho sends again what is left.
        """
        return self._client.give_up_largest(least)

    def acknowledge(self, mid: int) -> None:
        """Tell the broker that this message, of QoS 1, is done."""
        self._client.ack(mid, 1)

    def _aim(self) -> None:
        broker = self._settings
        five: dict[str, Any] = {}
        if broker.version == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = FOREVER if self._durable else 0
            properties.ReceiveMaximum = self._window
            five = {"clean_start": not self._durable, "properties": properties}
        self._client.connect_async(broker.host, broker.port, broker.keepalive, **five)


def _tls(settings: BrokerSettings) -> ssl.SSLContext:
    try:
        return tls_context(settings)
    except ValueError as error:
        raise OperatorError(str(error)) from error
