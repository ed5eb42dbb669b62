"""What the worker has in hand, and what it has written already."""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SESSION, CONTENT = 6, 24  # digits of a key that name the session, and the picture too
_FROM_THE_TABLE = 0  # a generation before all connections


def key_of(
    slot: str,
    mid: int | str | None,
    topic: str,
    payload: bytes,
    properties: Sequence[tuple[str, str]] = (),
) -> str:
    """A name for a message that every delivery of it shares: 32 hexadecimal digits.

    `slot` is the client id, for each session has numbers of its own: the first 6 digits
    say which it is, the next 18 what was sent there. The broker keeps a message's
    number (`mid`) when it delivers it again, so the last 8 are made from the number:
    two equal frames of a camera stay two. A QoS 0 message has no number (None) and is
    never delivered again, so chance names it. A retained one, which each connection
    may bring, has a word instead. `properties` are what the camera itself says of the
    picture (MQTT 5 user properties), such as a number or a time of its own.
    """
    content = hashlib.sha256(f"{slot}\0{len(topic)}\0{topic}\0".encode())
    if properties:
        content.update(f"{properties}\0".encode())
    content.update(payload)
    number = secrets.token_hex() if mid is None else str(mid)
    last = hashlib.sha256(number.encode()).hexdigest()[: 32 - CONTENT]
    return session_mark(slot) + content.hexdigest()[: CONTENT - _SESSION] + last


def session_mark(slot: str) -> str:
    """What the keys of all messages of a session begin with."""
    return hashlib.sha256(slot.encode()).hexdigest()[:_SESSION]


@dataclass(frozen=True, slots=True)
class Known:
    """A message whose row is in the table, as far as is known."""

    key: str
    id: int
    """The row's."""
    generation: int = _FROM_THE_TABLE
    """Of the connection that brought it; 0 in an earlier life."""
    at: float = 0.0
    """When it was written, by `time.monotonic`; 0 in an earlier life."""


def fresh_key(key: str, known: Sequence[Known]) -> str:
    """`key`, or another one for the same picture if one of `known` has it.

    `known` is what was known when the message was found to be new: a row that is
    written since may be the message's own, and must not get it another name.
    """
    taken = {each.key for each in known}
    while key in taken:
        digest = hashlib.sha256(key.encode()).hexdigest()
        key = key[:CONTENT] + digest[: 32 - CONTENT]
    return key


class Written:
    """Messages whose rows are committed, the newest of them, by what was sent.

    Saves the work on redelivered messages, and tells them from new messages that by
    chance have the same key: a broker that numbers from 1 to 200 and round again (the
    embedded one does) gives equal pictures equal keys sooner or later.
    """

    def __init__(self, limit: int = 50_000) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[Known, ...]] = OrderedDict()  # by content
        self.newest: int | None = None
        """The id of the row that was written last."""

    def add(self, key: str, generation: int, number: int) -> None:
        """Note that the message of `generation` with `key` is row `number`."""
        with self._lock:
            self._put(Known(key, number, generation, time.monotonic()))
            self.newest = number

    def recall(self, rows: Iterable[tuple[int, str]]) -> None:
        """Note ids and keys of rows of this session that the table has."""
        with self._lock:
            for number, key in rows:
                if all(each.key != key for each in self._of(key)):
                    self._put(Known(key, number))

    def discard(self, key: str) -> None:
        """The table has that row no more."""
        with self._lock:
            left = tuple(each for each in self._of(key) if each.key != key)
            self._known.pop(key[:CONTENT], None)
            if left:
                self._known[key[:CONTENT]] = left

    def equal_to(self, key: str) -> Sequence[Known]:
        """Messages of the same topic and bytes."""
        with self._lock:
            return self._of(key)

    def __contains__(self, key: str) -> bool:
        return any(each.key == key for each in self.equal_to(key))

    def _of(self, key: str) -> tuple[Known, ...]:
        return self._known.get(key[:CONTENT], ())

    def _put(self, known: Known) -> None:
        others = tuple(each for each in self._of(known.key) if each.key != known.key)
        self._known[known.key[:CONTENT]] = (*others, known)
        self._known.move_to_end(known.key[:CONTENT])
        while len(self._known) > self._limit:
            self._known.popitem(last=False)


class InHand:
    """Messages taken and not yet done: how many, how many bytes, since when none."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._bytes = 0
        self._idle_since = time.monotonic()
        self._still_since = self._idle_since

    def take(self, size: int) -> int:
        """Count one message of `size` bytes in; gives the bytes now in hand."""
        with self._changed:
            if not self._count:
                self._still_since = time.monotonic()
            self._count += 1
            self._bytes += size
            return self._bytes

    def done(self, size: int, count: int = 1) -> None:
        """Count one message, or `count`, of `size` bytes in all out."""
        with self._changed:
            self._count -= count
            self._bytes -= size
            self._idle_since = self._still_since = time.monotonic()
            self._changed.notify_all()

    def idle_for(self) -> float:
        """Seconds since the last message was done; 0 while there are some."""
        with self._changed:
            return 0.0 if self._count else time.monotonic() - self._idle_since

    def still_for(self) -> float:
        """Seconds for which messages wait and none was done; 0 while there are none."""
        with self._changed:
            return time.monotonic() - self._still_since if self._count else 0.0

    def restart_idle_clock(self) -> None:
        """Count idle time from now."""
        with self._changed:
            self._idle_since = time.monotonic()

    def wait_until_few(self, size: int, timeout: float) -> bool:
        """Wait until at most `size` bytes are in hand; False after `timeout` s."""
        with self._changed:
            return self._changed.wait_for(lambda: self._bytes <= size, timeout)

    @property
    def count(self) -> int:
        """How many messages are in hand."""
        with self._changed:
            return self._count

    @property
    def bytes(self) -> int:
        """Bytes of all messages in hand."""
        with self._changed:
            return self._bytes
