"""Whether the broker answers, and whether pictures come to it.

The page listens only while no rows come, to one picture every few seconds, and keeps
nothing of it. It needs no right that a worker does not have: to read the pictures.
"""

import logging
import time
import uuid

from common.broker_answers import Callbacks, Delivery, Granted, Reason
from common.broker_settings import BrokerSettings
from common.mqtt import RETAINED_NEVER, Connection
from common.picture_topics import PictureTopics

log = logging.getLogger(__name__)

_DELAYS = (1, 10)  # seconds between attempts to connect, first and longest
_AGAIN = 10.0  # seconds after which it listens once more, and so asks the broker
_PATIENCE = 10.0  # seconds that the broker may take to answer
_MOST = 1000  # cameras that are remembered

AWAY, REFUSED, SILENT, UNKNOWN = "away", "refused", "silent", "unknown"


class Arrivals:
    """One connection of its own; `look` is called again and again."""

    def __init__(self, settings: BrokerSettings, topics: PictureTopics) -> None:
        """Prepare; `topics` are those of the pictures, as the workers have them.

        Raises:
            OperatorError: the certificate files cannot be used.
        """
        self._place = f"{settings.host}:{settings.port}"
        self._camera = topics.camera
        self._topic = _own_copy(topics.topic)
        self._state = UNKNOWN
        self._said = ""
        self._begun = time.monotonic()  # to wait for an answer
        self._asked: float | None = None
        self._granted: float | None = None
        self.forbidden = False
        """Whether the broker does not let this page read pictures."""
        self.heard: dict[str, float] = {}
        """When a picture of a camera came last, in monotonic seconds."""
        self.waits_since: float | None = None
        """When the first picture came that no row has come after."""
        callbacks = Callbacks(
            connected=self._connected,
            refused=self._refused,
            unreachable=self._unreachable,
            lost=self._lost,
            subscribed=self._answered,
            message=self._arrived,
        )
        name = f"posture-page-{uuid.uuid4().hex[:12]}"
        self._connection = Connection(settings, name, callbacks)
        self._connection.delays(*_DELAYS)

    def start(self) -> None:
        """Connect, and again whenever that is lost, in a thread of its own."""
        self._begun = time.monotonic()
        self._connection.start()

    def stop(self) -> None:
        """Disconnect, without waiting for a broker that may be silent."""
        self._connection.disconnect()

    @property
    def trouble(self) -> str:
        """What is wrong with the broker, in one word; empty when nothing is."""
        late = time.monotonic() - self._begun > _PATIENCE
        unanswered = self._asked is not None and self._granted is None
        if self._state == UNKNOWN or (self._state == "" and unanswered):
            return SILENT if late else self._state
        return self._state

    @property
    def listened(self) -> float:
        """Seconds for which it has listened by now."""
        granted = self._granted
        return 0.0 if granted is None else time.monotonic() - granted

    def look(self, *, wanted: bool) -> None:
        """Listen while that is `wanted`; to be called every second or so."""
        if self._state:
            return
        now = time.monotonic()
        if wanted and (self._asked is None or now - self._asked >= _AGAIN):
            if self._granted is not None or self._asked is None:
                self._begun = now  # the broker has to answer this one
            self._asked = now
            self._connection.subscribe(self._topic, qos=0, retained=RETAINED_NEVER)
        elif not wanted and self._asked is not None:
            self._asked = self._granted = None
            self._connection.unsubscribe(self._topic)

    # In the network thread

    def _connected(self, _granted: Granted) -> None:
        self._become("", "answers")
        self._asked = self._granted = None

    def _refused(self, reason: Reason) -> None:
        self._become(REFUSED, f"refused the connection: {reason}")

    def _unreachable(self, error: BaseException | None) -> None:
        self._become(AWAY, f"cannot be reached: {error}")

    def _lost(self, reason: Reason) -> None:
        if self._state == "":
            self._become(AWAY, f"connection lost: {reason}")

    def _become(self, state: str, words: str) -> None:
        self._state, self._begun = state, time.monotonic()
        self._granted = None if state else self._granted
        if self._said != words:
            self._said = words
            log.log(
                logging.WARNING if state else logging.INFO,
                "broker %s %s",
                self._place,
                words,
            )

    def _answered(self, answers: list[Reason]) -> None:
        self.forbidden = any(each.failure for each in answers)
        if self.forbidden:
            log.info("broker %s: this page may not read %s", self._place, self._topic)
        if self._granted is None:
            self._granted = time.monotonic()

    def _arrived(self, delivery: Delivery) -> None:
        if delivery.retained:
            return  # sent at any time before
        now = time.monotonic()
        pi = self._camera(delivery.topic)
        self.heard.pop(pi, None)
        self.heard[pi] = now
        if len(self.heard) > _MOST:
            del self.heard[next(iter(self.heard))]
        if self.waits_since is None:
            self.waits_since = now
        # One is enough to know; `look` asks for the next.
        self._connection.unsubscribe(self._topic)


def _own_copy(topic: str) -> str:
    """The filter without a shared subscription, which would take pictures away."""
    return topic.split("/", 2)[-1] if topic.startswith("$share/") else topic
