"""Whether a broker keeps what it accepts: asked where it can be asked, tried where not.

Most brokers drop pictures silently once a session has a number of messages waiting,
while every publish is acknowledged. No packet tells that number, so it is tried, with
a session and a topic of its own that are gone afterwards.
"""

import contextlib
import queue
import secrets
import sys
import time
from collections.abc import Iterator
from typing import TypeVar

import paho.mqtt.client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from posture.mqtt.client import LARGEST, connect, new_client, subscribe

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
    client = new_client(settings, name, durable=True)
    try:
        with _connected(client, settings, until) as limit:
            if limit is not None and limit < LARGEST:
                raise OperatorError(
                    f"it refuses packets above {limit} bytes: set max_packet_size "
                    f"20000000; {_REMEDY}"
                )
            _wait_for(_subscribed(client, settings, name), until, "confirm a session")
        _fill(settings, name, until)
        kept = _count(client, settings, until)
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
    client: paho.Client, settings: BrokerSettings, until: float
) -> Iterator[int | None]:
    """Connected while it lasts; gives the largest packet, None if there is no limit."""
    answers: queue.SimpleQueue[tuple[str | None, int | None]] = queue.SimpleQueue()

    def on_connect(
        _client: paho.Client,
        _userdata: object,
        _flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        limit = getattr(properties, "MaximumPacketSize", None)
        refusal = f"refuses the connection: {reason}; check MQTT_USER, MQTT_PASSWORD"
        answers.put((refusal if reason.is_failure else None, limit))

    def on_connect_fail(_client: paho.Client, _userdata: object) -> None:
        # paho calls this while it handles the error, which it keeps to itself.
        answers.put((f"cannot be reached: {sys.exception()}", None))

    client.on_connect = on_connect
    client.on_connect_fail = on_connect_fail
    connect(client, settings, durable=True, window=TRIED)
    client.loop_start()
    try:
        refusal, limit = _wait_for(answers, until, "answer")
        if refusal:
            raise OperatorError(f"it {refusal}")
        yield limit
    finally:
        client.disconnect()
        client.loop_stop()


def _subscribed(
    client: paho.Client, settings: BrokerSettings, topic: str
) -> "queue.SimpleQueue[bool]":
    done: queue.SimpleQueue[bool] = queue.SimpleQueue()
    client.on_subscribe = lambda *_: done.put(True)
    subscribe(client, settings, topic)
    return done


def _fill(settings: BrokerSettings, topic: str, until: float) -> None:
    client = new_client(settings, f"{topic}-sender", durable=False)
    client.max_inflight_messages_set(100)
    with _connected(client, settings, until):
        sent = [client.publish(topic, b"probe", qos=1) for _ in range(TRIED)]
        for each in sent:
            each.wait_for_publish(max(0.01, until - time.monotonic()))
        if not sent[-1].is_published():
            raise OperatorError(f"it did not take {TRIED} messages in time")


def _count(client: paho.Client, settings: BrokerSettings, until: float) -> int:
    arrived: queue.SimpleQueue[bool] = queue.SimpleQueue()
    client.on_message = lambda *_: arrived.put(True)
    count = 0
    with _connected(client, settings, until), contextlib.suppress(queue.Empty):
        while count < TRIED:
            arrived.get(timeout=min(1.0, max(0.01, until - time.monotonic())))
            count += 1
    return count


def _forget(settings: BrokerSettings, name: str) -> None:
    """End the session: connecting without it wipes what it has left."""
    client = new_client(settings, name, durable=False)
    with (
        contextlib.suppress(OperatorError),
        _connected(client, settings, time.monotonic() + 1),
    ):
        pass


def _wait_for(answers: "queue.SimpleQueue[T]", until: float, what: str) -> T:
    try:
        return answers.get(timeout=max(0.01, until - time.monotonic()))
    except queue.Empty:
        raise OperatorError(f"it did not {what} in time") from None
