"""Watching the broker for pictures, beside the worker, taking none from it."""

import logging
import math
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from paho.mqtt.client import (
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
    MQTTv5,
    MQTTv311,
)
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from common.broker_settings import BrokerSettings, tls_context
from common.errors import OperatorError
from scaler.polling import NotKnownError
from scaler.settings import DemandSettings

log = logging.getLogger(__name__)
_DELAYS = (1, 15)  # seconds between attempts, first and longest
_NO_RETAINED = 2  # retain handling: what is retained is no new picture


class PictureWatch:
    """A subscription of its own, not durable, at QoS 0, that keeps nothing.

    `sign` is called with the time, in monotonic seconds, whenever a picture has come or
    may have been missed.
    """

    def __init__(
        self,
        broker: BrokerSettings,
        demand: DemandSettings,
        sign: Callable[[float], None],
    ) -> None:
        """Prepare; nothing is connected yet.

        Raises:
            OperatorError: the certificate files cannot be used.
        """
        self._broker = broker
        self._demand = demand
        self._sign = sign
        self._lock = threading.Lock()
        self._heard = -math.inf  # when the subscription was last known to stand
        self._subscribed = False
        self._backlog = math.nan
        self._problem = "not connected yet"
        self._client = self._make_client()

    def _make_client(self) -> Client:
        it = self._broker
        five = it.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"posture-scaler-{uuid.uuid4().hex[:12]}",
            clean_session=None if five else True,
            protocol=MQTTv5 if five else MQTTv311,
        )
        if it.user:
            client.username_pw_set(it.user, it.password)
        if it.tls:
            try:
                client.tls_set_context(tls_context(it))
            except ValueError as error:
                raise OperatorError(str(error)) from error
        client.reconnect_delay_set(*_DELAYS)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def start(self) -> None:
        """Connect, and connect again whenever needed, in a thread of its own."""
        it = self._broker
        self._client.connect_async(it.host, it.port, it.keepalive)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def age(self) -> float:
        """Seconds for which pictures may have come unseen; 0 while connected."""
        with self._lock:
            return 0.0 if self._subscribed else time.monotonic() - self._heard

    @property
    def backlog(self) -> float:
        """Messages at the broker, as its backlog topic last told; NaN if unknown."""
        with self._lock:
            return self._backlog if self._subscribed else math.nan

    def check(self, staleness: float) -> None:
        """Do nothing if pictures are seen, or were until `staleness` seconds ago.

        Raises:
            NotKnownError: the broker has been away for longer, and why.
        """
        age = self.age
        if age > staleness:
            away = "not reached yet" if math.isinf(age) else f"away for {age:.0f} s"
            raise NotKnownError(
                f"MQTT broker {self._place}: {away}, limit {staleness:g} s: "
                f"{self._problem}"
            )

    @property
    def _place(self) -> str:
        return f"{self._broker.host}:{self._broker.port}"

    # In the network thread

    def _on_connect(
        self,
        client: Client,
        _userdata: Any,  # noqa: ANN401
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._failed(f"it refused the connection: {reason}; check MQTT_USER")
            return
        topics = filter(None, (self._demand.topic, self._demand.backlog_topic))
        if self._broker.version == "5":
            wanted = SubscribeOptions(qos=0, retainHandling=_NO_RETAINED)
            client.subscribe([(topic, wanted) for topic in topics])
        else:
            client.subscribe([(topic, 0) for topic in topics])

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: Any,  # noqa: ANN401
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(each.is_failure for each in reasons):
            self._failed(f"it refused the subscription to {self._demand.topic}")
            return
        log.info("watching %s at %s", self._demand.topic, self._place)
        with self._lock:
            self._subscribed = True
        # What came before, or while we were away, nobody has seen.
        self._sign(time.monotonic())

    def _on_message(
        self,
        _client: Client,
        _userdata: Any,  # noqa: ANN401
        message: MQTTMessage,
    ) -> None:
        if self._is_backlog(message):
            self._told_backlog(_number(message.payload))
        elif not message.retain:
            self._sign(time.monotonic())

    def _told_backlog(self, count: float) -> None:
        with self._lock:
            self._backlog = count
        if count > self._demand.backlog_above:
            self._sign(time.monotonic())

    def _is_backlog(self, message: MQTTMessage) -> bool:
        try:
            return message.topic == self._demand.backlog_topic
        except UnicodeDecodeError:
            return False

    def _on_connect_fail(self, _client: Client, _userdata: Any) -> None:  # noqa: ANN401
        # paho calls this while it handles the error, which it keeps to itself.
        self._failed(f"cannot be reached: {sys.exception()}")

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: Any,  # noqa: ANN401
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._lock:
            lost, self._subscribed = self._subscribed, False
            self._backlog = math.nan
            if lost:
                self._heard = time.monotonic()
        # The end of a refused connection must not hide why it was refused.
        if lost and reason != 0:
            self._failed(f"connection lost: {reason}")

    def _failed(self, problem: str) -> None:
        if problem != self._problem:
            log.error("MQTT broker %s: %s", self._place, problem)
        self._problem = problem


def _number(payload: bytes | bytearray) -> float:
    try:
        number = float(payload)
    except ValueError:
        number = math.nan
    return number if math.isfinite(number) else math.nan  # which is above nothing
