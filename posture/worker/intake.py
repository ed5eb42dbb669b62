"""Messages on their way in and out: what is taken, acknowledged, refused.

They are taken in the network thread, which waits for nobody, but a moment when too much
is in hand. They are done in the thread of whoever ends them.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from posture.mqtt.message import Message
from posture.mqtt.subscription import Subscription
from posture.settings import WorkerSettings
from posture.store.quarantine import Quarantine
from posture.worker.dedup import InHand, key_of
from posture.worker.events import Events
from posture.worker.rates import Rates
from posture.worker.redelivery import Redelivery

log = logging.getLogger(__name__)

_BRAKE = 3.0  # seconds that the network thread waits at most: any keepalive is longer


class Intake:
    """What has come, until it is done: the worker's side of its subscription."""

    def __init__(
        self,
        settings: WorkerSettings,
        events: Events,
        ends: Callable[[], bool],
        subscription: Callable[[Callable[[Message], None]], Subscription],
    ) -> None:
        """Prepare; `subscription` makes one that delivers to what it is given.

        `ends` says whether the worker ends, so that nothing more is begun.
        """
        self._events = events
        self._session_id = settings.session_id
        self._share = settings.share
        self._camera = settings.picture_topics.camera
        self._most_bytes = settings.memory_mb << 20
        self._quarantine = Quarantine(
            settings.quarantine,
            settings.quarantine_mb << 20,
            payloads=settings.keeps_payloads,
        )
        self.ends = ends
        self.inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        """What is taken, for the analysts; None ends one of them."""
        self.in_hand = InHand()
        self.redelivery = Redelivery()
        self._rates = Rates()
        self.too_much = threading.Event()
        """Set when more bytes are in hand than may be, and they do not become fewer."""
        self.left = False
        """A message has been left to the broker."""
        self.on_done: Callable[[], None] = lambda: None
        """Called when less is in hand."""
        self.subscription = subscription(self.take)

    # The network thread

    def take(self, message: Message) -> None:
        """Take a message, or leave it to another worker or to the broker."""
        self.redelivery.count(message.generation)
        if not self._share.owns(message.topic, message.payload):
            self.subscription.acknowledge(message)
            return
        self._watch_rate(message.topic)
        if self.ends() or self.too_much.is_set():
            self.left = True
            return  # not acknowledged, so it comes again
        in_hand = self.in_hand.take(len(message.payload))
        self.inbox.put(replace(message, key=self._key(message)))
        if in_hand > self._most_bytes:
            self._brake()

    def _key(self, message: Message) -> str:
        number = message.mid if message.qos else None
        key = key_of(
            self._session_id,
            "retained" if message.retained else number,
            message.topic,
            message.payload,
            message.properties,
        )
        if message.retained:
            return self.redelivery.retained(key)
        if not message.qos:
            return key
        return self.redelivery.observe(message, key)

    def _watch_rate(self, topic: str) -> None:
        if flood := self._rates.count(topic, time.monotonic()):
            log.warning(
                "camera %r sends %.0f pictures a second, and the others wait for it: "
                "one every few seconds says as much, so give it a longer interval "
                "(while a backlog is worked off, never mind)",
                self._camera(flood.topic),
                flood.rate,
            )

    def _brake(self) -> None:
        # What is not read keeps the broker from sending more, and acknowledgements go
        # out between two messages. A worker that stands still must not hold up pings.
        if not self.in_hand.wait_until_few(self._most_bytes, _BRAKE):
            self.too_much.set()

    # Any thread

    def analyze_again(self, message: Message) -> None:
        """Put it back, for the row that it should have is lost."""
        if not self.ends():  # else it is left to the broker
            self.inbox.put(message)

    def leave(self, message: Message) -> None:
        """It stays with the broker, and comes again."""
        self.in_hand.done(len(message.payload))

    def refuse(self, message: Message, reason: str, kind: str) -> None:
        """It can never be a row: keep it in quarantine, and be done with it."""
        name = f"{message.received:%Y%m%dT%H%M%S}_{message.key[-12:]}"
        log.warning("refused a message of %r: %s", message.topic[:80], reason)
        pi = self._camera(message.topic)
        self._quarantine.keep(name, pi, message.topic, message.payload, reason)
        self._events.refused(kind)
        self.done(message)

    def done(self, message: Message) -> None:
        """It is kept for good: acknowledge it."""
        if self.subscription.acknowledge(message):
            self.redelivery.done(message)
        self.in_hand.done(len(message.payload))
        self.on_done()
