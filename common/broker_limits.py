"""What a broker grants less than pictures need: what it means, and what mends it.

Only MQTT 5 tells these. A packet names no broker, so the settings of each are named.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from common.broker_answers import FOREVER, Granted, Reason

LARGEST = 14_000_000
"""Bytes of a packet that must fit: a 10 MB picture in Base64."""

_SEE = "see docs/brokers.md"
_EXPIRY = (
    "Mosquitto: no persistent_client_expiration; RabbitMQ: "
    "mqtt.max_session_expiry_interval_seconds = infinity; HiveMQ: "
    "session-expiry/max-interval"
)
_PACKET = (
    "Mosquitto: max_packet_size 20000000; RabbitMQ: max_message_size; HiveMQ: "
    "packets/max-packet-size; NATS: max_payload"
)


_DAY = 86_400  # seconds; a session that lives for less does not outlive a night


def refused(answer: Reason) -> str:
    """The answer to a connection that the broker does not want, and what to do."""
    if answer.client_id:
        return f"{answer}; set MQTT_CLIENT_ID to a shorter one, of letters and digits"
    return f"{answer}; check MQTT_USER and MQTT_PASSWORD, and MQTT_VERSION"


def too_large(size: int, limit: int | None = None) -> str:
    """What to say of a packet of so many bytes that a broker does not take."""
    known = f"above {limit} bytes" if limit else "so large, it seems"
    return (
        f"takes no packet {known}, and one has {size}: raise the limit "
        f"({_PACKET}; {_SEE}), or send smaller pictures"
    )


@dataclass(frozen=True)
class Shortcoming:
    """One thing that loses pictures."""

    text: str
    grave: bool
    """In everyday use, and not only large pictures or after days without a worker."""

    def __str__(self) -> str:
        return self.text


def shortcomings(granted: Granted, topic: str = "#") -> Iterator[Shortcoming]:
    """What loses pictures that are published to `topic`."""
    if (seconds := granted.session_expiry) is not None and seconds < FOREVER:
        yield Shortcoming(
            f"the broker ends a session {_long(seconds)} after its worker is gone: "
            f"pictures that come later are lost; set it to never ({_EXPIRY}; {_SEE})",
            grave=seconds < _DAY,
        )
    limit = granted.maximum_packet
    if limit is not None and limit < LARGEST:
        yield Shortcoming(
            f"the broker takes no packet above {limit} bytes: larger pictures are lost "
            f"at the camera; raise the limit ({_PACKET}; {_SEE})",
            grave=False,
        )
    if granted.maximum_qos < 1:
        yield Shortcoming(
            "the broker takes nothing but QoS 0: what is on its way when a line ends "
            f"is lost, and nothing waits for a worker; allow QoS 1 ({_SEE})",
            grave=True,
        )
    if not granted.wildcards and ("#" in topic or "+" in topic):
        yield Shortcoming(
            f"the broker has no subscriptions with wildcards, so {topic} brings "
            f"nothing; allow them, or give MQTT_TOPIC without ({_SEE})",
            grave=True,
        )


def granted_less(answer: Reason, topic: str) -> Iterator[Shortcoming]:
    """What is wrong with the answer to a subscription at QoS 1, if anything is."""
    if answer.code == 0:
        yield Shortcoming(
            f"the broker grants QoS 0 for {topic}: pictures do not wait for a worker, "
            "and what it has in hand when it ends is lost; allow QoS 1 to this user "
            f"({_SEE})",
            grave=True,
        )


def _long(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    hours = seconds / 3600
    return f"{seconds // 60} minutes" if hours < 2 else f"{hours:.0f} hours"
