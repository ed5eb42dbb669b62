"""What a broker takes: retained messages, QoS 1, large packets. Asked, or found out.

MQTT 5 tells. A broker of MQTT 3.1.1 ends the connection of who wants to retain what it
does not keep; without, the message is published all the same.
"""

import logging
import time

from common.broker_answers import Granted, Reason

log = logging.getLogger(__name__)

_AROUND = 16  # bytes of a packet beside topic and payload, at most
_BELIEVED = 120.0  # seconds; it may have been the line
_SUSPICIOUS = 3  # connections in a row that ended over something to be retained


class Takes:
    """What is known of one broker; changed in the network thread only."""

    def __init__(self) -> None:
        self.retained = True
        """Retained messages are kept, as far as is known."""
        self.qos = 1
        """The greatest QoS that is taken, of those that are used here."""
        self.largest: int | None = None
        """Bytes of a packet; None: not known."""
        self._too_large: int | None = None  # bytes, a guess
        self._until = 0.0  # time of a monotonic clock until which it is believed
        self._losses = 0
        self._guessed = False
        self._told = False

    def connected(self, granted: Granted) -> None:
        """The broker has taken the connection."""
        self._guessed = False  # that was it
        self.retained = self.retained and granted.retain
        self.qos = min(1, granted.maximum_qos)
        self.largest = granted.maximum_packet

    def ended(self, reason: Reason, *, answered: bool, suspect: bool) -> None:
        """A connection was refused or lost; before the broker's answer or after it.

        It is `suspect` if something to be retained had not been taken yet, and the
        broker cannot tell (MQTT 3.1.1).
        """
        if reason.no_qos:
            self.qos = 0
        elif reason.no_retain:
            self.retained = False
        elif self._guessed and not answered:
            self.retained, self._guessed = True, False  # that was not it
        elif suspect and self.retained and reason.code:
            self._losses += 1
            self._guessed = self._losses >= _SUSPICIOUS
            self.retained = not self._guessed
        if not suspect or not self.retained:
            self._losses = 0

    @property
    def asked(self) -> tuple[bool, int]:
        """What a connection may ask for: that of messages is retained, and QoS."""
        return self.retained, self.qos

    def fits(self, topic: str, payload: bytes) -> bool:
        """Whether a message is not too large, as far as is known."""
        if self._too_large is not None and time.monotonic() < self._until:
            return len(payload) < self._too_large
        size = len(payload) + len(topic.encode()) + _AROUND
        return self.largest is None or size <= self.largest

    def suspect(self, size: int) -> None:
        """A payload of so many bytes seems to be too large; believed for a while."""
        self._too_large, self._until = size, time.monotonic() + _BELIEVED

    def tell(self) -> None:
        """Say once that something is published that is not kept."""
        if not self._told:
            self._told = True
            log.warning(
                "the broker keeps no retained messages: what is published reaches only "
                "who listens at that moment; see docs/brokers.md"
            )
