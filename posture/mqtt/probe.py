"""Whether a broker keeps what it accepts: asked where it can be asked, tried where not.

Most brokers drop pictures silently once a session has a number of messages, or of
bytes, waiting, while every publish is acknowledged. No packet tells that number, so it
is tried, with a session and a topic of its own that are gone afterwards.
"""

import secrets
import time

from common.broker_answers import Reason
from common.broker_limits import LARGEST, shortcomings, too_large
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
_PATIENCE_FOR_LARGEST = 10.0  # seconds; a broker that refuses it ends the line
_AT_ONCE = 2.0  # seconds in which a broker without a timer delivers again
_SILENCE = 2.0  # seconds without a message after which no more will come
_FIRST = 4.0  # the same, before the first of them; the doctor waits no longer for all
_NEXT = 3.0  # and after it: a busy machine pauses in the midst of large ones
_SEE = "see docs/brokers.md"
_MESSAGES = (
    "on Mosquitto set max_queued_messages 1000000, on HiveMQ "
    "queued-messages/max-queue-size 1000000"
)
_BYTES = "on Mosquitto set max_queued_bytes 0"


class UntriedError(OperatorError):
    """The probe itself was not possible; the broker may well keep everything."""


def probe(settings: BrokerSettings, topic: str = "#") -> str:
    """What the broker keeps, in a few words; takes some seconds.

    `topic` is the filter of the pictures.

    Raises:
        UntriedError: this user may not do what the probe does.
        OperatorError: it cannot be reached, or it loses pictures; says what mends it.
    """
    name = _own_name()
    try:
        _ask(settings, name, topic)
        kind = redelivery(settings, name)
        retained = retains(settings, name)
        _keeps(settings, name, [b"%d" % each for each in range(TRIED)])
        _keeps(settings, name, [_large(each) for each in range(_LARGE_ONES)])
        if settings.version != "5":  # which tells
            _takes_the_largest(settings, name)
    finally:
        _forget(settings, name)
    return (
        f"keeps at least {TRIED} messages, and {_LARGE_ONES} of {LARGE} bytes, for an "
        f"absent worker; {_told(kind)}{_told_retained(retained)}"
    )


def _own_name() -> str:
    """Of a session; no longer than the 23 characters that every broker takes."""
    return f"probe-{secrets.token_hex(6)}"


def _topic(name: str) -> str:
    """The session's own; an access list can allow posture-probe/#."""
    return f"posture-probe/{name}"


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


def _told_retained(kept: bool | None) -> str:
    if kept:
        return ""
    if kept is None:
        return (
            "; brings retained messages only to who asks for their very topic, not for "
            "posture/+/status"
        )
    return (
        "; keeps no retained messages, so results reach only who listens when they are "
        "published"
    )


def retains(settings: BrokerSettings, name: str) -> bool | None:
    """Whether retained messages are kept; None: not found by wildcards."""
    topic = f"{_topic(name)}/retained"
    with Line(settings, f"{name}-r", _PATIENCE, Wish.NOTHING) as line:
        if not line.granted.retain:
            return False
        by_wildcard = [f"{_topic(name)}/+"] if line.granted.wildcards else []
        sent(settings, topic, [b"kept"], _PATIENCE, retain=True)
        try:
            found = []
            for wanted in (*by_wildcard, topic):
                line.subscribe(wanted)
                found.append(bool(line.receive(1, _AT_ONCE)))
                if found[-1]:
                    break
        finally:
            sent(settings, topic, [b""], _PATIENCE, retain=True)
    if len(found) > 1 and found[-1]:
        return None
    return found[-1]


def _ask(settings: BrokerSettings, name: str, pictures: str) -> None:
    """What can be asked: the connection, the subscription, and a message that arrives.

    Raises:
        OperatorError: one of them is not as it must be.
    """
    topic = _topic(name)
    with Line(settings, name, _PATIENCE) as line:
        if found := next(shortcomings(line.granted, pictures), None):
            raise OperatorError(str(found))
        _allowed(line.subscribe(topic), f"subscribe to {topic}")
        _allowed(sent(settings, topic, [b"hello"], _PATIENCE), f"publish to {topic}")
        arrived = line.receive(1, _SILENCE)
        for each in arrived:
            line.acknowledge(each)
        if not arrived:
            raise UntriedError(
                f"nothing that is published to {topic} comes back: an access list that "
                "lets this user neither write nor read there? Give it posture-probe/# "
                "for the time of the probe"
            )


def _allowed(answer: Reason | None, what: str) -> None:
    if answer and answer.failure:
        raise UntriedError(
            f"this user may not {what} ({answer}), so nothing could be tried; a broker "
            "user for the probe needs to read and write posture-probe/#"
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
        line.subscribe(_topic(name))
        sent(settings, _topic(name), texts, _PATIENCE)
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
    name = _own_name()
    try:
        return redelivery(settings, name) is not None
    except OperatorError:
        return False
    finally:
        _forget(settings, name)


def _keeps(
    settings: BrokerSettings,
    name: str,
    payloads: list[bytes],
    patience: float = _PATIENCE,
) -> None:
    sent(settings, _topic(name), payloads, patience)
    missing = set(payloads)
    with Line(settings, name, _PATIENCE) as line:
        until = time.monotonic() + _PATIENCE
        while missing and time.monotonic() < until:
            none_yet = len(missing) == len(payloads)
            arrived = line.receive(1, _FIRST if none_yet else _NEXT)
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


def _takes_the_largest(settings: BrokerSettings, name: str) -> None:
    try:
        _keeps(settings, name, [bytes(LARGEST)], _PATIENCE_FOR_LARGEST)
    except OperatorError as error:
        raise OperatorError(
            f"it {too_large(LARGEST)}: such a picture is lost at the camera"
        ) from error


def _forget(settings: BrokerSettings, name: str) -> None:
    """End the session of the probe, which nobody else has."""
    line = Line(settings, name, 2, Wish.NOTHING)
    line.forget()
