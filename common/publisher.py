"""Publishes pictures the way a camera does: Base64 at QoS 1, each acknowledged."""

import base64
import threading
import uuid
from types import TracebackType
from typing import Self

from common.broker_answers import Callbacks, Granted, Reason
from common.broker_limits import too_large
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.mqtt import Connection
from common.takes import Takes

_SUSPICIOUS = 3  # lost connections without anything taken between them
_WINDOW = 20  # pictures on their way at a time: bounds the memory, not the speed


class PublishError(OperatorError):
    """Some pictures did not reach the broker; the text says how many and why."""


class Publisher:
    """A connection that pictures are published over; a context manager.

    A lost connection is made again, and what was on its way is sent again.
    """

    def __init__(self, settings: BrokerSettings, patience: float = 30) -> None:
        """Prepare; `patience` is how many seconds the broker may stay silent."""
        self._settings = settings
        self._patience = patience
        self._changed = threading.Condition()
        self._connected = False
        self._trouble = ""
        self._sent = 0
        self._largest = 0  # bytes of what was sent
        self._losses = 0  # of connections since the broker took something
        self._takes = Takes()
        self._window = _WINDOW
        self.acknowledged = 0
        self.unheard = 0  # acknowledged, but the broker knows nobody who wants them
        self.reasons: list[Reason] = []  # of what was refused
        name = f"camera-{uuid.uuid4().hex[:12]}"
        callbacks = Callbacks(
            connected=self._connected_to,
            refused=self._refused,
            unreachable=self._unreachable,
            lost=self._lost,
            published=self._published,
        )
        self._connection = Connection(settings, name, callbacks, takes=self._takes)
        self._connection.delays(1, 5)

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            PublishError: the broker cannot be reached or refuses us.
        """
        self._connection.start()
        with self._changed:
            if not self._changed.wait_for(
                lambda: self._connected or self._trouble, self._patience
            ):
                self._trouble = "does not answer"
            if self._connected:
                return self
        self._connection.stop()
        raise PublishError(self._about(self._trouble))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect, without waiting for anything."""
        self._connection.stop()

    def publish(self, topic: str, file: bytes) -> None:
        """Send one image file; waits while too many are on their way.

        Raises:
            PublishError: the broker acknowledges nothing any more.
        """
        self.send(topic, base64.b64encode(file))

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send a message as it is; waits while too many are on their way.

        Raises:
            PublishError: the broker acknowledges nothing any more, or takes nothing so
                large.
        """
        self._wait_for_less_than(self._window)
        if not self._takes.fits(topic, payload):
            raise PublishError(
                self._about(too_large(len(payload), self._takes.largest))
            )
        with self._changed:
            self._sent += 1
            self._largest = max(self._largest, len(payload))
        self._connection.publish(topic, payload, retain=retain)

    @property
    def refused(self) -> list[str]:
        """What the broker said to those that it does not want."""
        return [str(reason) for reason in self.reasons]

    def finish(self) -> None:
        """Wait until the broker has acknowledged everything.

        Raises:
            PublishError: it has not, or refused some.
        """
        self._wait_for_less_than(1)
        if self.reasons:
            count, reason = len(self.reasons), self.reasons[0]
            raise PublishError(self._about(f"refused {count} pictures: {reason}"))

    def _wait_for_less_than(self, limit: int) -> None:
        with self._changed:
            while self._left >= limit:
                if not self._less_than(self._left):
                    raise PublishError(self._about(self._silence()))

    def _silence(self) -> str:
        told = f"has not acknowledged {self._left} pictures"
        if self._losses < _SUSPICIOUS:
            return told
        return (
            f"{told}, and has ended the connection {self._losses} times: it "
            f"{too_large(self._largest)}"
        )

    @property
    def _left(self) -> int:
        return self._sent - self.acknowledged - len(self.reasons)

    def _less_than(self, left: int) -> bool:
        """Wait for an answer, which other news (a failed try to connect) is not."""
        return self._changed.wait_for(lambda: self._left < left, self._patience)

    def _about(self, trouble: str) -> str:
        return f"broker {self._settings.host}:{self._settings.port} {trouble}"

    # In the network thread

    def _connected_to(self, granted: Granted) -> None:
        with self._changed:
            self._window = min(_WINDOW, granted.receive_maximum)
            if granted.maximum_qos < 1:
                self._trouble = (
                    "takes nothing but QoS 0: what is sent may be lost; allow QoS 1"
                )
            else:
                self._connected = True
            self._changed.notify_all()

    def _refused(self, reason: Reason) -> None:
        self._fail(f"refused the connection: {reason}")

    def _unreachable(self, error: BaseException | None) -> None:
        self._fail(f"cannot be reached: {error}")

    def _fail(self, trouble: str) -> None:
        with self._changed:
            self._trouble = trouble
            self._changed.notify_all()

    def _lost(self, _reason: Reason) -> None:
        with self._changed:
            self._connected = False
            self._losses += 1

    def _published(self, reason: Reason) -> None:
        with self._changed:
            if reason.failure:
                self.reasons.append(reason)
            else:
                self._losses = 0
                self.acknowledged += 1
                self.unheard += reason.nobody
            self._changed.notify_all()
