"""What the worker has in hand, and what it has written already."""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict


def key_of(slot: str, mid: int | None, topic: str, payload: bytes) -> str:
    """A name for a message that every delivery of it shares: 32 hexadecimal digits.

    The broker keeps a message's number (`mid`) when it delivers it again, so the number
    is part of the name: two equal frames of a camera stay two. A QoS 0 message has no
    number (None) and is never delivered again, so chance names it. `slot` is the client
    id, for each session has numbers of its own.
    """
    number = secrets.token_hex() if mid is None else mid
    digest = hashlib.sha256(f"{slot}\0{number}\0{topic}\0".encode())
    digest.update(payload)
    return digest.hexdigest()[:32]


class Written:
    """The keys of messages whose rows are committed, the newest of them.

    Saves the work on redelivered messages, and tells them from new messages that by
    chance have the same key: a broker that numbers from 1 to 200 and round again (the
    embedded one does) gives equal pictures equal keys sooner or later.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._generations: OrderedDict[str, int] = OrderedDict()

    def add(self, key: str, generation: int) -> None:
        """Note that the message of `generation` with `key` is committed."""
        with self._lock:
            self._generations[key] = generation
            self._generations.move_to_end(key)
            while len(self._generations) > self._limit:
                self._generations.popitem(last=False)

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._generations

    def fresh_key(self, key: str, generation: int, session: int) -> str:
        """`key`, or another one if it was committed and this is no redelivery.

        Within a connection a number is used again only after its acknowledgement, and
        a session that began with the connection `session` redelivers nothing from
        before it.
        """
        with self._lock:
            while (was := self._generations.get(key)) is not None and (
                was == generation or was < session
            ):
                key = hashlib.sha256(key.encode()).hexdigest()[:32]
        return key


class InHand:
    """Messages taken and not yet done: how many, how many bytes, since when none."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._bytes = 0
        self._idle_since = time.monotonic()

    def take(self, size: int) -> int:
        """Count one message of `size` bytes in; gives the bytes now in hand."""
        with self._changed:
            self._count += 1
            self._bytes += size
            return self._bytes

    def done(self, size: int) -> None:
        """Count one message of `size` bytes out."""
        with self._changed:
            self._count -= 1
            self._bytes -= size
            self._idle_since = time.monotonic()
            self._changed.notify_all()

    def idle_for(self) -> float:
        """Seconds since the last message was done; 0 while there are some."""
        with self._changed:
            return 0.0 if self._count else time.monotonic() - self._idle_since

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
