"""A connection of the probe, used step by step."""

import contextlib
import enum
import queue
from types import TracebackType
from typing import Self, TypeVar

from common.broker_answers import Callbacks, Delivery, Granted, Reason
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.mqtt import Connection
from common.publisher import Publisher, PublishError

T = TypeVar("T")


class Wish(enum.Enum):
    """What is to be with the session when the line ends."""

    KEEP = enum.auto()
    NOTHING = enum.auto()


class Line:
    """A connection; a context manager that is connected while it lasts."""

    def __init__(
        self,
        settings: BrokerSettings,
        name: str,
        patience: float,
        wish: Wish = Wish.KEEP,
    ) -> None:
        """Prepare; the broker has `patience` seconds for each answer."""
        self._settings = settings
        self._patience = patience
        self._connected: queue.SimpleQueue[Granted | str] = queue.SimpleQueue()
        self._subscribed: queue.SimpleQueue[list[Reason]] = queue.SimpleQueue()
        self._arrived: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.granted = Granted()
        hears = Callbacks(
            connected=self._connected.put,
            refused=lambda reason: self._connected.put(_refusal(reason, settings)),
            unreachable=lambda e: self._connected.put(f"cannot be reached: {e}"),
            lost=lambda reason: self._connected.put(f"ended the connection: {reason}"),
            subscribed=self._subscribed.put,
            message=self._arrived.put,
        )
        self._connection = Connection(
            settings,
            name,
            hears,
            durable=wish is Wish.KEEP,
            by_hand=True,
        )

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            OperatorError: the broker cannot be reached or refuses us.
        """
        self._connection.start()
        answer: Granted | str
        try:
            answer = self._connected.get(timeout=self._patience)
        except queue.Empty:
            answer = "does not answer"
        if isinstance(answer, str):
            self._connection.stop()
            raise OperatorError(f"it {answer}")
        self.granted = answer
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect; the session stays."""
        self._connection.stop()

    def forget(self) -> None:
        """Connect so that the broker forgets the session."""
        with contextlib.suppress(OperatorError), self:
            pass

    def subscribe(self, topic: str) -> Reason:
        """Ask for a topic; gives the broker's answer.

        Raises:
            OperatorError: there is none.
        """
        self._connection.subscribe(topic)
        return self._wait_for(self._subscribed, "confirm a session")[0]

    def receive(self, count: int, silence: float) -> list[Delivery]:
        """So many messages, or fewer if none comes for `silence` seconds."""
        arrived: list[Delivery] = []
        with contextlib.suppress(queue.Empty):
            while len(arrived) < count:
                arrived.append(self._arrived.get(timeout=silence))
        return arrived

    def acknowledge(self, delivery: Delivery) -> None:
        """It is done."""
        self._connection.acknowledge(delivery.mid)

    def _wait_for(self, answers: "queue.SimpleQueue[T]", what: str) -> T:
        try:
            return answers.get(timeout=self._patience)
        except queue.Empty:
            raise OperatorError(f"it did not {what} in time") from None


def _refusal(reason: Reason, settings: BrokerSettings) -> str:
    if reason.other_version:
        other = "3.1.1" if settings.version == "5" else "5"
        return f"does not speak MQTT {settings.version}: set MQTT_VERSION={other}"
    if reason.client_id:
        return f"refuses the client id of the probe: {reason}"
    return f"refuses the connection: {reason}; check MQTT_USER, MQTT_PASSWORD"


def sent(
    settings: BrokerSettings,
    topic: str,
    payloads: list[bytes],
    patience: float,
    *,
    retain: bool = False,
) -> Reason | None:
    """Publish, and wait until all is acknowledged; gives a refusal, if there is one.

    Raises:
        OperatorError: the broker did not take them.
    """
    try:
        with Publisher(settings, patience) as publisher:
            for payload in payloads:
                publisher.send(topic, payload, retain=retain)
            publisher.finish()
    except PublishError as error:
        if publisher.reasons:
            return publisher.reasons[0]
        raise OperatorError(
            f"it did not take {len(payloads)} messages: {error}"
        ) from error
    return None
