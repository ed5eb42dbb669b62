"""Declaring the worker's durable session before the first worker runs.

A broker keeps pictures only for sessions that it knows. Once declared, what is
published while no worker exists waits for the first one.
"""

import threading

from posture.broker import Subscription
from posture.errors import PostureError
from posture.settings import SessionSettings

_DEADLINE = 15.0  # seconds for the broker to confirm


def declare(settings: SessionSettings, deadline: float = _DEADLINE) -> None:
    """Make the session of `settings` exist at the broker; twice is the same as once.

    It is the worker's own session: a worker that is connected under this client id
    loses its connection and takes it up again.

    Raises:
        PostureError: the broker did not confirm the session in time.
    """
    confirmed = threading.Event()
    session = Subscription(
        settings.broker,
        settings.client_id,
        settings.topic,
        # Left unacknowledged, so the worker gets it.
        deliver=lambda _message: None,
        window=1,
        on_ready=confirmed.set,
    )
    session.start()
    try:
        in_time = confirmed.wait(deadline)
    finally:
        session.stop()
    if not in_time:
        at = f"{settings.broker.host}:{settings.broker.port}"
        raise PostureError(
            f"the broker at {at} did not confirm the session {settings.client_id!r} on "
            f"{settings.topic} within {deadline:g} s; the lines above say why"
        )
