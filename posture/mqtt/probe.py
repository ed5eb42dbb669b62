"""Whether a broker keeps what it accepts: asked where it can be asked, tried where not.

Most brokers drop pictures silently once a session has a number of messages, or of
bytes, waiting, while every publish is acknowledged. No packet tells that number, so it
is tried, with a session and a topic of its own that are gone afterwards.
"""

import secrets
import time

from common.broker_answers import Delivery, Reason
from common.broker_limits import shortcomings
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from posture.mqtt.probe_line import Line, Wish, sent
from posture.mqtt.redelivered import Redelivery, seen

TRIED = 1200
"""Messages that are left waiting: Mosquitto's default keeps 1000."""

LARGE = 500_000
"""Bytes of a large one, as a camera's picture has."""

_LARGE_ONES = 40
_PATIENCE = 30.0  # seconds for each step; most take less than one
_AT_ONCE = 2.0  # seconds in which a broker without a timer delivers again
_SILENCE = 2.0  # seconds without a message after which no more will come
_SEE = "see docs/brokers.md"
_MESSAGES = (
    "on Mosquitto set max_queued_messages 1000000, on HiveMQ "
    "queued-messages/max-queue-size 1000000"
)
_BYTES = "on Mosquitto set max_queued_bytes 0"


class UntriedError(OperatorError):
    """The probe itself was not possible; the broker may well keep everything."""


def probe(settings: BrokerSettings) -> str:
    """What the broker keeps, in a few words; takes some seconds.

    Raises:
        UntriedError: this user may not do what the probe does.
        OperatorError: it cannot be reached, or it loses pictures; says what mends it.
    """
    name = f"posture-probe-{secrets.token_hex(6)}"
    try:
        _ask(settings, name)
        kind = redelivery(settings, name)
        _keeps(settings, name, [b"%d" % each for each in range(TRIED)])
        _keeps(settings, name, [_large(each) for each in range(_LARGE_ONES)])
    finally:
        _forget(settings, name)
    return (
        f"keeps at least {TRIED} messages, and {_LARGE_ONES} of {LARGE} bytes, for an "
        f"absent worker; {_told(kind)}"
    )


def _large(number: int) -> bytes:
    return (b"%d " % number).ljust(LARGE, b".")


def _told(kind: Redelivery | None) -> str:
    if kind is None:
        return (
            f"what was not acknowledged does not come again within {_AT_ONCE:g} s: it "
            "has a timer, so retire waits a minute before it takes a session away"
        )
    if kind.same_number is False:
        return (
            f"delivers again under {kind}: a picture is known by its bytes, and the "
            "same bytes twice may count as one for some minutes after a lost line"
        )
    return f"delivers again under {kind}"


def _ask(settings: BrokerSettings, name: str) -> None:
    """What can be asked: the connection, the subscription, and a message that arrives.

    Raises:
        OperatorError: one of them is not as it must be.
    """
    with Line(settings, name, _PATIENCE) as line:
        if found := next(shortcomings(line.granted, "#"), None):
            raise OperatorError(str(found))
        _allowed(line.subscribe(name), f"subscribe to {name}")
        _allowed(sent(settings, name, [b"hello"], _PATIENCE), f"publish to {name}")
        arrived = line.receive(1, _SILENCE)
        for each in arrived:
            line.acknowledge(each)
        if not arrived:
            raise UntriedError(
                f"nothing that is published to {name} comes back: an access list that "
                "lets this user neither write nor read there? Give it posture-probe-# "
                "for the time of the probe"
            )


def _allowed(answer: Reason | None, what: str) -> None:
    if answer and answer.failure:
        raise UntriedError(
            f"this user may not {what} ({answer}), so nothing could be tried; a broker "
            "user for the probe needs to read and write posture-probe-#"
        )
    if answer and answer.code == 0 and what.startswith("subscribe"):
        raise OperatorError(
            "it grants QoS 0 alone: pictures do not wait for a worker; allow QoS 1 "
            f"to this user ({_SEE})"
        )


def redelivery(settings: BrokerSettings, name: str) -> Redelivery | None:
    """How unacknowledged messages come again to that session; None: not at once."""
    texts = [b"again %d" % each for each in range(4)]
    with Line(settings, name, _PATIENCE) as line:
        line.subscribe(name)
        sent(settings, name, texts, _PATIENCE)
        # Numbers that begin anew are seen by what follows an acknowledged one.
        for each in line.receive(1, _SILENCE):
            line.acknowledge(each)
        before = line.receive(3, _AT_ONCE)
    with Line(settings, name, _PATIENCE) as line:
        after = line.receive(len(before), _AT_ONCE)
        for each in after:
            line.acknowledge(each)
    return seen(before, after)


def redelivers_at_once(settings: BrokerSettings) -> bool:
    """Whether what a lost worker had in hand comes at once; False if not known."""
    name = f"posture-probe-{secrets.token_hex(6)}"
    try:
        return redelivery(settings, name) is not None
    except OperatorError:
        return False
    finally:
        _forget(settings, name)


def _keeps(settings: BrokerSettings, name: str, payloads: list[bytes]) -> None:
    sent(settings, name, payloads, _PATIENCE)
    missing = set(payloads)
    with Line(settings, name, _PATIENCE) as line:
        until = time.monotonic() + _PATIENCE
        while missing and time.monotonic() < until:
            arrived: list[Delivery] = line.receive(1, _SILENCE)
            if not arrived:
                break
            for each in arrived:
                missing.discard(each.payload)
                line.acknowledge(each)
    if missing:
        kept = len(payloads) - len(missing)
        size = max(map(len, payloads))
        raise OperatorError(
            f"of {len(payloads)} messages of {size} bytes for an absent worker it kept "
            f"{kept}: {_BYTES if size == LARGE else _MESSAGES}; {_SEE}"
        )


def _forget(settings: BrokerSettings, name: str) -> None:
    """End the session of the probe, which nobody else has."""
    line = Line(settings, name, 2, Wish.NOTHING)
    line.forget()
