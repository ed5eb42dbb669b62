"""A picture as the subscription hands it over."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class Message:
    """One delivery of a picture."""

    generation: int  # of the connection that brought it
    session: int  # generation of the connection with which the session began
    mid: int
    qos: int
    topic: str
    payload: bytes = field(repr=False)
    again: bool = False  # delivered before, and not acknowledged
    retained: bool = False  # published before the subscription
    properties: tuple[tuple[str, str], ...] = ()  # MQTT 5: the camera's own
    received: datetime = field(default_factory=lambda: datetime.now(UTC))
    taken: float = field(default_factory=time.monotonic)  # the same moment
    key: str = ""  # the worker's name for the picture
