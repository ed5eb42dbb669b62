"""Watching the broker for pictures, beside the worker, taking none from it."""

import logging
import math
import threading
import time
import uuid
from collections.abc import Callable

from common.broker_answers import Callbacks, Delivery, Granted, Reason
from common.broker_settings import BrokerSettings
from common.mqtt import RETAINED_NEVER, Connection
from scaler.polling import NotKnownError
from scaler.settings import DemandSettings

log = logging.getLogger(__name__)
_DELAYS = (1, 15)  # seconds between attempts, first and longest


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
        self._connection = Connection(
            broker,
            f"posture-scaler-{uuid.uuid4().hex[:12]}",
            Callbacks(
                connected=self._connected_to,
                refused=self._refused,
                unreachable=self._unreachable,
                lost=self._lost,
                subscribed=self._answered,
                message=self._arrived,
            ),
        )
        self._connection.delays(*_DELAYS)

    def start(self) -> None:
        """Connect, and connect again whenever needed, in a thread of its own."""
        self._connection.start()

    def stop(self) -> None:
        """Disconnect."""
        self._connection.stop()

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

    def _refused(self, reason: Reason) -> None:
        self._failed(f"it refused the connection: {reason}; check MQTT_USER")

    def _connected_to(self, _granted: Granted) -> None:
        topics = filter(None, (self._demand.topic, self._demand.backlog_topic))
        # What is retained is no new picture.
        self._connection.subscribe(*topics, qos=0, retained=RETAINED_NEVER)

    def _answered(self, answers: list[Reason]) -> None:
        if any(each.failure for each in answers):
            self._failed(f"it refused the subscription to {self._demand.topic}")
            return
        log.info("watching %s at %s", self._demand.topic, self._place)
        with self._lock:
            self._subscribed = True
        # What came before, or while we were away, nobody has seen.
        self._sign(time.monotonic())

    def _arrived(self, delivery: Delivery) -> None:
        if delivery.topic == self._demand.backlog_topic:
            self._told_backlog(_number(delivery.payload))
        elif not delivery.retained:
            self._sign(time.monotonic())

    def _told_backlog(self, count: float) -> None:
        with self._lock:
            self._backlog = count
        if count > self._demand.backlog_above:
            self._sign(time.monotonic())

    def _unreachable(self, error: BaseException | None) -> None:
        self._failed(f"cannot be reached: {error}")

    def _lost(self, reason: Reason) -> None:
        # Who finds it lost is told why. The end of a refused connection must not hide
        # why it was refused.
        if self._subscribed and reason.code != 0:
            self._failed(f"connection lost: {reason}")
        with self._lock:
            lost, self._subscribed = self._subscribed, False
            self._backlog = math.nan
            if lost:
                self._heard = time.monotonic()

    def _failed(self, problem: str) -> None:
        if problem != self._problem:
            log.error("MQTT broker %s: %s", self._place, problem)
        self._problem = problem


def _number(payload: bytes) -> float:
    try:
        number = float(payload)
    except ValueError:
        number = math.nan
    return number if math.isfinite(number) else math.nan  # which is above nothing
