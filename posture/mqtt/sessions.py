"""The durable sessions of the workers: made to exist, looked at, taken away.

A broker keeps pictures only for sessions that it knows. Once declared, what is
published while no worker exists waits for the first one.

Each of these connects under the workers' own client ids: a worker that is connected
loses its connection, and takes it up again some seconds later.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from common.broker_answers import Callbacks
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.mqtt import Connection
from posture.mqtt.shards import slots
from posture.mqtt.subscription import Message, Subscription, Wish
from posture.settings import SessionSettings

_DEADLINE = 15.0  # seconds for the broker to confirm
_SILENCE = 1.0  # seconds without a message after which no more are waiting
MOST_COUNTED = 20
"""Waiting messages that a look counts: each one has to come over the network."""


@dataclass(frozen=True)
class State:
    """One session: whether the broker has it, and how many messages wait in it."""

    client_id: str
    exists: bool
    waiting: int

    def __str__(self) -> str:
        if not self.exists:
            return f"{self.client_id}: not declared, so its pictures are being lost"
        more = " or more" if self.waiting >= MOST_COUNTED else ""
        return f"{self.client_id}: {self.waiting}{more} waiting"


def session_ids(settings: SessionSettings) -> list[str]:
    """The client ids of all workers."""
    return [each.client_id(settings.client_id) for each in slots(settings.workers)]


def declare(settings: SessionSettings, deadline: float = _DEADLINE) -> None:
    """Make the session of each worker exist at the broker; twice is the same as once.

    Raises:
        OperatorError: the broker did not confirm one of them in time.
    """
    with _opened(settings, deadline) as sessions:
        _ask(sessions, "subscribe", settings, deadline)


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

    Raises:
        OperatorError: the broker did not answer in time.
    """
    waiting: dict[str, list[Message]] = {each: [] for each in session_ids(settings)}
    with _opened(settings, deadline, waiting) as sessions:
        seen = -1
        while seen < (now := sum(map(len, waiting.values()))):
            seen = now
            time.sleep(_SILENCE)
        found = {session.client_id: session.found for session in sessions}
    for client_id, existed in found.items():
        if not existed:
            forget(settings.broker, client_id)  # the look itself has made it
    return [
        State(each, found[each], min(len(messages), MOST_COUNTED))
        for each, messages in waiting.items()
    ]


def forget(
    settings: BrokerSettings, client_id: str, deadline: float = _DEADLINE
) -> None:
    """End the durable session of that name, and what waits in it.

    Raises:
        OperatorError: the broker did not confirm in time.
    """
    done = threading.Event()
    connection = Connection(
        settings, client_id, Callbacks(connected=lambda _granted: done.set())
    )
    connection.start()
    confirmed = done.wait(deadline)
    connection.stop()
    if not confirmed:
        raise OperatorError(
            f"the broker at {settings.host}:{settings.port} did not end the session "
            f"{client_id!r} within {deadline:g} s"
        )


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
