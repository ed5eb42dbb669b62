"""The durable sessions of the workers: made to exist, looked at, taken away.

A broker keeps pictures only for sessions that it knows. Once declared, what is
published while no worker exists waits for the first one.

Each of these connects under the workers' own client ids: a worker that is connected
loses its connection, and takes it up again some seconds later.
"""

import queue
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from common.broker_answers import Callbacks, Granted
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.mqtt import Connection
from posture.mqtt.message import Message
from posture.mqtt.shards import slots
from posture.mqtt.subscription import Subscription, Wish
from posture.settings import SessionSettings

_DEADLINE = 15.0  # seconds for the broker to confirm
_SILENCE = 1.0  # seconds without a message after which no more are waiting
MOST_COUNTED = 20
"""Waiting messages that a look counts: each one has to come over the network."""


@dataclass(frozen=True)
class State:
    """One session: whether the broker has it, and how many messages wait in it."""

    client_id: str
    exists: bool | None
    """None: nothing waits, and the broker does not say whether it has the session."""
    waiting: int

    def __str__(self) -> str:
        if self.exists is None:
            return (
                f"{self.client_id}: nothing waits; this broker does not say whether "
                "the session exists"
            )
        if not self.exists:
            return f"{self.client_id}: not declared, so its pictures are being lost"
        if not self.waiting:
            return f"{self.client_id}: nothing waits"
        return f"{self.client_id}: at least {self.waiting} waiting"


def session_ids(settings: SessionSettings) -> list[str]:
    """The client ids of all workers."""
    return [each.client_id(settings.client_id) for each in slots(settings.workers)]


def declare(settings: SessionSettings, deadline: float = _DEADLINE) -> None:
    """Make the session of each worker exist at the broker; twice is the same as once.

    Raises:
        OperatorError: the broker did not confirm one of them in time, or does not keep
            what comes for it.
    """
    with _opened(settings, deadline) as sessions:
        _ask(sessions, "subscribe", settings, deadline)
        # All have been logged.
        grave = [limit for each in sessions for limit in each.limits if limit.grave]
    if grave:
        raise OperatorError(f"declared, but pictures will be lost: {grave[0]}")


def close(
    settings: SessionSettings, successors: int | None, deadline: float = _DEADLINE
) -> None:
    """Let nothing new into the sessions of the workers; what waits in them stays.

    The sessions of so many `successors` begin right before that: what is published
    between the two answers of the broker goes into both.

    Raises:
        OperatorError: the broker did not confirm one of them in time.
    """
    after = replace(settings, workers=successors or 1)
    with ExitStack() as stack:
        old = stack.enter_context(_opened(settings, deadline))
        if successors:
            new = stack.enter_context(_opened(after, deadline))
            _ask(new, "subscribe", settings, deadline)
        _ask(old, "unsubscribe", settings, deadline)


def look(settings: SessionSettings, deadline: float = _DEADLINE) -> list[State]:
    """How the session of each worker stands; none of them is changed.

    Connecting makes a session that the broker does not have; the farewell takes it away
    again. A worker that comes meanwhile is given way to.

    Raises:
        OperatorError: the broker did not answer in time.
    """
    waiting: dict[str, list[Message]] = {each: [] for each in session_ids(settings)}
    states = []
    with _opened(settings, deadline, waiting) as sessions:
        seen = -1
        while seen < (now := sum(map(len, waiting.values()))):
            seen = now
            time.sleep(_SILENCE)
        tells = all(each.found for each in sessions) or tells_sessions(settings.broker)
        for session in sessions:
            count = len(waiting[session.client_id])
            exists = True if session.found or count else (None if not tells else False)
            if exists is False and not session.end(deadline):
                exists = True  # somebody has begun it meanwhile
            states.append(State(session.client_id, exists, count))
    return states


def tells_sessions(broker: BrokerSettings, deadline: float = _DEADLINE) -> bool:
    """Whether the broker says that it has a session, tried with one of our own.

    Raises:
        OperatorError: the broker did not answer in time.
    """
    name = f"look-{secrets.token_hex(6)}"
    found = [_visit(broker, name, deadline, last) for last in (False, True)]
    return found[1]


def _visit(broker: BrokerSettings, name: str, deadline: float, last: bool) -> bool:
    answers: queue.SimpleQueue[Granted] = queue.SimpleQueue()
    subscribed = threading.Event()
    callbacks = Callbacks(
        connected=answers.put, subscribed=lambda _answers: subscribed.set()
    )
    connection = Connection(broker, name, callbacks, durable=True)
    connection.start()
    try:
        found = answers.get(timeout=deadline).found
        # Without a subscription there is no session for some brokers (RabbitMQ).
        connection.subscribe(f"posture-probe/{name}")
        subscribed.wait(deadline)
    except queue.Empty:
        raise OperatorError(
            f"the broker at {broker.host}:{broker.port} did not answer within "
            f"{deadline:g} s"
        ) from None
    finally:
        if last:
            connection.remove_session(deadline)
        else:
            connection.stop()
    return found


@contextmanager
def _opened(
    settings: SessionSettings,
    deadline: float,
    waiting: dict[str, list[Message]] | None = None,
) -> Iterator[list[Subscription]]:
    """Connected to the session of each worker; all stay as they are for now.

    Nothing is acknowledged, so the worker gets it.
    """
    ids = session_ids(settings)
    opened = [
        Subscription(
            settings.broker,
            each,
            settings.topic,
            deliver=waiting[each].append if waiting else lambda _message: None,
            window=MOST_COUNTED if waiting else 1,
            wish="look",
        )
        for each in ids
    ]
    with ExitStack() as stack:
        for session in opened:
            session.start()
            stack.callback(session.stop)
        _await(opened, settings, deadline)
        yield opened


def _ask(
    sessions: list[Subscription],
    wish: Wish,
    settings: SessionSettings,
    deadline: float,
) -> None:
    for session in sessions:
        session.ask(wish)
    _await(sessions, settings, deadline)


def _await(
    sessions: list[Subscription], settings: SessionSettings, deadline: float
) -> None:
    for session in sessions:
        if not session.answered.wait(deadline):
            at = f"{settings.broker.host}:{settings.broker.port}"
            raise OperatorError(
                f"the broker at {at} did not confirm the session "
                f"{session.client_id!r} on {settings.topic} within {deadline:g} s; "
                "the lines above say why"
            )
