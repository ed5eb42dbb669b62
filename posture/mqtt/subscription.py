"""A durable subscription at the broker, acknowledged by hand.

The broker keeps the session between runs of the worker, under its client id, and hands
out again whatever was not acknowledged when a connection ended. The network thread
only passes messages on; it never waits for anything.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from typing import Literal

from common.broker_answers import Callbacks, Delivery, Granted, Reason
from common.broker_limits import Shortcoming, granted_less, refused, shortcomings
from common.broker_settings import BrokerSettings
from common.losses import Losses
from common.mqtt import Connection
from posture.mqtt.again import Again
from posture.mqtt.message import Message

log = logging.getLogger(__name__)

_DELAYS = (1, 10)  # seconds between attempts, first and longest
_DELAY_WHEN_EVICTED = 5  # seconds; doubled when it happens again, with jitter
_MOST_DOUBLINGS = 1
_ASK_AGAIN = (5.0, 60.0)  # seconds between two tries to subscribe, first and longest
_LASTING = 30.0  # seconds; a connection that lasted longer was nobody's prey

Wish = Literal["subscribe", "unsubscribe", "look"]


class Subscription:
    """A durable session at the broker that hands each message to `deliver`."""

    def __init__(
        self,
        settings: BrokerSettings,
        client_id: str,
        topic: str,
        deliver: Callable[[Message], None],
        window: int,
        on_ready: Callable[[], None] = lambda: None,
        wish: Wish = "subscribe",
        on_lost_session: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare; nothing is connected yet.

        `deliver` is called in the network thread and must not wait; neither must
        `on_ready`, which is called once, when the broker has first confirmed the
        subscription. At most `window` messages are unacknowledged at a time, with a
        broker that keeps to it. `unsubscribe` lets nothing new into the session, and
        `look` leaves it as it is, and gives way to whoever else wants it.
        `on_lost_session` is called when the broker no longer has what it had.
        """
        self._settings = settings
        self.client_id = client_id
        self._wish = wish
        self._topic = topic
        self._deliver = deliver
        self._window = window
        self._on_lost_session = on_lost_session
        self._on_ready: Callable[[], None] | None = on_ready
        # A message may be acknowledged only on the connection that brought it: when the
        # broker has lost the session its numbers start again, and an old
        # acknowledgement would confirm a new picture.
        self._lock = threading.Lock()
        self._generation = 0
        self._session = 0
        self._order: dict[int, bool] = {}  # by number: whether it is done
        self._connected = False
        self._refused = False
        self._losses = Losses()
        self._evictions = 0
        self._ask_again = Again(lambda: self.ask(self._wish), topic, *_ASK_AGAIN)
        self._subscribed_at = float("inf")
        self.subscribed = threading.Event()
        self.answered = threading.Event()  # to `ask`, also if the line was lost since
        self.found = False  # whether the broker had the session already
        self.limits: list[
            Shortcoming
        ] = []  # what the broker grants less than is needed
        callbacks = Callbacks(
            connected=self._connected_to,
            refused=self._refused_by,
            unreachable=self._unreachable,
            lost=self._lost,
            subscribed=self._answered,
            unsubscribed=self._ready,
            message=self._arrived,
        )
        self._connection = Connection(
            settings, client_id, callbacks, durable=True, by_hand=True, window=window
        )
        self._connection.delays(*_DELAYS)

    def start(self) -> None:
        """Connect, and connect again whenever needed, in a thread of its own."""
        self._connection.start()

    def stop(self) -> None:
        """Disconnect, once what was acknowledged has been sent; the session stays."""
        self._ask_again.stop()
        self._connection.stop()
        self._connection_ended()

    def look_again(self) -> None:
        """End the connection and begin another, which brings all that is not done."""
        self.stop()
        self.start()

    def end(self, deadline: float = 15) -> bool:
        """Disconnect, and end the session; False if it is somebody else's now."""
        self._ask_again.stop()
        ended = self._connection.remove_session(deadline)
        self._connection_ended()
        return ended

    def subscribed_for(self) -> float:
        """Seconds since the broker has last confirmed; 0 if it has not."""
        if not self.subscribed.is_set():
            return 0.0
        return max(0.0, time.monotonic() - self._subscribed_at)

    def ask(self, wish: Wish) -> None:
        """Change what the session is for, now and at each connection to come."""
        self._wish = wish
        self.answered.clear()
        self.subscribed.clear()
        if wish != "look":
            self._ask_again.begin()
        if wish == "subscribe":
            self._connection.subscribe(self._topic)
        elif wish == "unsubscribe":
            self._connection.unsubscribe(self._topic)
        else:
            self._ready()

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
                self._connection.acknowledge(first[0])
            return True

    # In the network thread

    def _refused_by(self, reason: Reason) -> None:
        self._refused = True
        log.error(
            "broker %s:%d refused the connection: %s",
            self._settings.host,
            self._settings.port,
            refused(reason),
        )

    def _connected_to(self, granted: Granted) -> None:
        with self._lock:
            self._generation += 1
            self._order.clear()
            self._connected = True
        self._losses.connected()
        self._warn(shortcomings(granted, self._topic))
        self.found = granted.found
        if not self.found:
            self._begin_session()
        self.ask(self._wish)

    def _warn(self, limits: Iterable[Shortcoming]) -> None:
        for limit in limits:
            if limit not in self.limits:
                self.limits.append(limit)
                log.warning("%s", limit)

    def _begin_session(self) -> None:
        if self._generation > 1 and self._wish != "look":
            log.error(
                "the broker has lost our session, and what waited in it: does it keep "
                "its sessions when it restarts (persistence true)? See docs/brokers.md"
            )
            self._on_lost_session()
        elif self._wish == "subscribe":
            log.warning(
                "the broker has no session for us: it begins now, and pictures from "
                "before are not in it; if it was declared, or a worker has run, the "
                "broker has lost it: see docs/brokers.md"
            )
        self._session = self._generation

    def _unreachable(self, error: BaseException | None) -> None:
        log.error(
            "cannot reach the broker at %s:%d: %s; trying again",
            self._settings.host,
            self._settings.port,
            error,
        )

    def _answered(self, answers: list[Reason]) -> None:
        answer = answers[0]
        if answer.failure:
            log.error(
                "the broker refuses the subscription to %s: %s; allow it in its ACL; "
                "asking again",
                self._topic,
                answer,
            )
            return
        self._warn(granted_less(answer, self._topic))
        self._ready()

    def _ready(self) -> None:
        self._ask_again.stop()
        self._subscribed_at = time.monotonic()
        self.answered.set()
        self.subscribed.set()
        if self._on_ready:
            self._on_ready()
            self._on_ready = None

    def _arrived(self, delivery: Delivery) -> None:
        with self._lock:
            if delivery.qos:
                self._order.setdefault(delivery.mid, False)
        # Only this thread changes the generations, so no lock is needed to read them.
        self._deliver(
            Message(
                self._generation,
                self._session,
                delivery.mid,
                delivery.qos,
                delivery.topic,
                delivery.payload,
                delivery.again,
                delivery.retained,
                delivery.properties,
            )
        )

    def _lost(self, reason: Reason) -> None:
        if not self._connection_ended():
            self._say_nothing_answered(reason)
            return
        contested = self._losses.contested(reason)
        if self._losses.lasted() > _LASTING:
            self._evictions = 0
        if reason.code == 0:
            return
        if self._wish == "look":
            self._connection.disconnect()  # a worker has come for its session
            return
        if contested:
            self._wait_longer()
            self._evictions += reason.taken_over
            log.error(
                "the connection is lost again and again (%s): another worker with the "
                "same client id? Each needs its own MQTT_CLIENT_ID; waiting a while",
                reason,
            )
        else:
            self._connection.delays(*_DELAYS)
            log.warning("connection to the broker lost: %s; connecting again", reason)

    def _say_nothing_answered(self, reason: Reason) -> None:
        refused, self._refused = self._refused, False
        if reason.code != 0 and not refused:
            log.error(
                "broker %s:%d ended the connection without an answer: %s; check "
                "MQTT_TLS and the certificates",
                self._settings.host,
                self._settings.port,
                reason,
            )

    def _wait_longer(self) -> None:
        # A passing visitor (`declare`, a Job that overlaps with the next one) costs
        # seconds; two workers that mean to stay do not fight.
        delay = _DELAY_WHEN_EVICTED << min(self._evictions, _MOST_DOUBLINGS)
        self._connection.delays(delay + random.randint(0, delay), 2 * delay)  # noqa: S311

    def _connection_ended(self) -> bool:
        with self._lock:
            was_connected, self._connected = self._connected, False
        self._ask_again.stop()
        self.subscribed.clear()
        return was_connected
