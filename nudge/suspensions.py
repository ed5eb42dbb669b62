"""Who wants no nudges for now, as heard at the broker.

Somebody publishes minutes to <prefix>/<pi>/nudge/suspend, retained. They become the
time when the suspension ends, at the broker and in the memory, which serves while the
broker is away, and where it retains nothing.
"""

import logging
import threading
import uuid
from datetime import UTC, datetime

from common.broker_answers import Callbacks, Delivery, Granted, Reason
from common.errors import OperatorError
from common.mqtt import RETAINED_ALWAYS, Connection
from common.pause import as_text, kept_text, paused_until
from nudge.memory import Memory
from nudge.settings import NudgeSettings

log = logging.getLogger(__name__)

_ANSWER = 10.0  # seconds for the broker to take us
_RETAINED = 1.0  # seconds for what is retained to follow; no packet says it was all


class Suspensions:
    """A connection that hears of suspensions, and keeps them in a memory."""

    def __init__(
        self, settings: NudgeSettings, memory: Memory, *, keep: bool = True
    ) -> None:
        """Prepare; nothing is connected yet.

        Unless it is to `keep` them, nothing is changed at the broker.

        Raises:
            OperatorError: the certificate files cannot be used.
        """
        broker = settings.broker
        self._at = f"broker {broker.host}:{broker.port}"
        self._first, self._last = f"{settings.prefix}/", "/nudge/suspend"
        self._memory = memory
        self._keep = keep
        self._trouble = ""
        self._answered = threading.Event()
        callbacks = Callbacks(
            connected=self._connected,
            refused=lambda reason: self._away(f"refuses the connection: {reason}"),
            unreachable=lambda error: self._away(f"cannot be reached: {error}"),
            subscribed=self._subscribed,
            message=self._heard,
        )
        name = f"nudge-{uuid.uuid4().hex[:12]}"
        self._connection = Connection(broker, name, callbacks)
        self._connection.delays(1, 30)

    def start(self) -> None:
        """Connect, and hear what is retained; goes on without a broker that is away."""
        self._connection.start()
        if self._answered.wait(_ANSWER):
            threading.Event().wait(_RETAINED)
        else:
            self._away("does not answer")

    def stop(self) -> None:
        """Disconnect."""
        self._connection.stop()

    # In the network thread

    def _connected(self, _granted: Granted) -> None:
        self._trouble = ""
        topic = f"{self._first}+{self._last}"
        self._connection.subscribe(topic, retained=RETAINED_ALWAYS)

    def _subscribed(self, reasons: list[Reason]) -> None:
        if any(reason.failure for reason in reasons):
            self._away(f"does not let us read {self._first}+{self._last}: {reasons[0]}")
        self._answered.set()

    def _away(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.error(
                "%s %s; suspensions that are published there are not heard",
                *(self._at, trouble),
            )
        self._trouble = trouble

    def _heard(self, delivery: Delivery) -> None:
        pi = delivery.topic[len(self._first) : -len(self._last)]
        text = delivery.payload.decode(errors="replace")
        try:
            until = paused_until(text, datetime.now(UTC))
            self._memory.suspend(pi, until)
        except (ValueError, OperatorError) as error:
            log.error("%s: %s", delivery.topic, error)  # noqa: TRY400 - a message
            return
        log.info("suspension of the nudges for %s: %s", pi, as_text(until))
        if self._keep and (kept := kept_text(text, until)):
            self._connection.publish(delivery.topic, kept.encode(), retain=True)
