"""Whether a broker keeps what it accepts: asked where it can be asked, tried where not.

Most brokers drop pictures silently once a session has a number of messages waiting,
while every publish is acknowledged. No packet tells that number, so it is tried, with
a session and a topic of its own that are gone afterwards.
"""

import contextlib
import queue
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from common.broker_answers import Callbacks, Granted
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.mqtt import LARGEST, Connection

TRIED = 1200
"""Messages that are left waiting: Mosquitto's default keeps 1000."""

T = TypeVar("T")
_DEADLINE = 6.0  # seconds for everything
_REMEDY = "see deploy/mosquitto.conf"


def probe(settings: BrokerSettings, deadline: float = _DEADLINE) -> str:
    """What the broker keeps, in a few words; takes about a second.

    Raises:
        OperatorError: it cannot be reached, or it loses pictures; says what mends it.
    """
    until = time.monotonic() + deadline
    name = f"posture-probe-{secrets.token_hex(6)}"
    try:
        _declare(settings, name, until)
        _fill(settings, name, until)
        kept = _count(settings, name, until)
    finally:
        _forget(settings, name)
    if kept < TRIED:
        raise OperatorError(
            f"of {TRIED} messages for an absent worker it kept {kept}: set "
            f"max_queued_messages 1000000; {_REMEDY}"
        )
    return f"keeps at least {TRIED} messages for an absent worker"


@contextlib.contextmanager
def _connected(
    settings: BrokerSettings,
    name: str,
    until: float,
    hears: Callbacks | None = None,
    *,
    durable: bool = True,
) -> Iterator[tuple[Connection, Granted]]:
    """Connected while it lasts."""
    answers: queue.SimpleQueue[str | Granted] = queue.SimpleQueue()
    callbacks = replace(
        hears or Callbacks(),
        connected=answers.put,
        refused=lambda reason: answers.put(
            f"refuses the connection: {reason}; check MQTT_USER, MQTT_PASSWORD"
        ),
        unreachable=lambda error: answers.put(f"cannot be reached: {error}"),
    )
    connection = Connection(settings, name, callbacks, durable=durable, window=TRIED)
    connection.start()
    try:
        answer = _wait_for(answers, until, "answer")
        if isinstance(answer, str):
            raise OperatorError(f"it {answer}")
        yield connection, answer
    finally:
        connection.stop()


def _declare(settings: BrokerSettings, name: str, until: float) -> None:
    done: queue.SimpleQueue[bool] = queue.SimpleQueue()
    hears = Callbacks(subscribed=lambda _answers: done.put(True))
    with _connected(settings, name, until, hears) as (connection, granted):
        limit = granted.maximum_packet
        if limit is not None and limit < LARGEST:
            raise OperatorError(
                f"it refuses packets above {limit} bytes: set max_packet_size "
                f"20000000; {_REMEDY}"
            )
        connection.subscribe(name)
        _wait_for(done, until, "confirm a session")


def _fill(settings: BrokerSettings, topic: str, until: float) -> None:
    sender = f"{topic}-sender"
    with _connected(settings, sender, until, durable=False) as (connection, _granted):
        sent = [connection.publish(topic, b"probe") for _ in range(TRIED)]
        for each in sent:
            each.wait_for_publish(max(0.01, until - time.monotonic()))
        if not sent[-1].is_published():
            raise OperatorError(f"it did not take {TRIED} messages in time")


def _count(settings: BrokerSettings, name: str, until: float) -> int:
    arrived: queue.SimpleQueue[bool] = queue.SimpleQueue()
    count = 0
    hears = Callbacks(message=lambda _delivery: arrived.put(True))
    with _connected(settings, name, until, hears), contextlib.suppress(queue.Empty):
        while count < TRIED:
            arrived.get(timeout=min(1.0, max(0.01, until - time.monotonic())))
            count += 1
    return count


def _forget(settings: BrokerSettings, name: str) -> None:
    """End the session: connecting without it wipes what it has left."""
    with (
        contextlib.suppress(OperatorError),
        _connected(settings, name, time.monotonic() + 1, durable=False),
    ):
        pass


def _wait_for(answers: "queue.SimpleQueue[T]", until: float, what: str) -> T:
    try:
        return answers.get(timeout=max(0.01, until - time.monotonic()))
    except queue.Empty:
        raise OperatorError(f"it did not {what} in time") from None
