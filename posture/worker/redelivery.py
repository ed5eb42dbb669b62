"""Which picture a delivery is: a new one, or one that has come before.

MQTT wants a broker to deliver again under the same number, with a mark (DUP). Some
number anew, and some do not mark. What a broker does is not configured but seen: what
we have never acknowledged has to come again when a line is lost.

Only equal bytes leave a doubt, and cameras do not send the same bytes twice: test
pictures do. Then the broker is asked, by a connection that ends and begins again: what
it calls the same message now decides.
"""

import enum
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from posture.mqtt.message import Message
from posture.worker.dedup import CONTENT, Known

_AFTER_START = 300.0  # seconds in which what an earlier worker had in hand comes again
_AFTER_WRITING = 600.0  # seconds after its row in which a picture may come again
_MOST = 10_000  # messages that are remembered as not acknowledged, or as come again


class Doubt(enum.Enum):
    """Ask the broker: leave it unacknowledged, and connect again."""

    ASK = enum.auto()


@dataclass
class Held:
    """A picture that the broker has not been told is done."""

    key: str
    generation: int
    """Of the connection that brought it last."""
    mid: int
    marked: bool
    """It was called a redelivery when it came first."""
    asked: bool = False


class Redelivery:
    """What is known of the broker, and of what it has to deliver again."""

    def __init__(self, started: float | None = None) -> None:
        """Know nothing yet; `started` is the worker's begin, in monotonic seconds."""
        self._started = time.monotonic() if started is None else started
        self._lock = threading.Lock()
        self._held: OrderedDict[str, list[Held]] = OrderedDict()  # by content
        # What each connection has brought again, and under which number. Analysts are
        # behind the network: what they have of one must take nothing from the next.
        self._claimed: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._generation = 0
        self._place = 0  # in this connection
        self.same_number: bool | None = None
        """Whether the broker keeps its numbers; None: not seen yet."""
        self.marks: bool | None = None
        """Whether it marks what it delivers again; None: not seen yet."""

    def count(self, generation: int) -> None:
        """A message has come on that connection: everyone of it, in their order."""
        with self._lock:
            if generation != self._generation:
                self._generation = generation
                self._place = 0
            self._place += 1

    def observe(self, message: Message, key: str) -> str:
        """Note a delivery, in their order; gives the key of the picture that it is.

        That is `key`, or the one that an earlier delivery had which we hold.
        """
        with self._lock:
            held = self._held.setdefault(key[:CONTENT], [])
            self._held.move_to_end(key[:CONTENT])
            again = self._recognised(message, held)
            if again is None:
                again = Held(key, message.generation, message.mid, message.again)
                held.append(again)
            else:
                self._claim(message, again.key)
            again.generation, again.mid = message.generation, message.mid
            while len(self._held) > _MOST:
                self._held.popitem(last=False)
            return again.key

    def retained(self, key: str) -> str:
        """The key of a retained picture: that of an equal one in hand, or `key`."""
        with self._lock:
            held = self._held.get(key[:CONTENT])
            return held[-1].key if held else key

    def _recognised(self, message: Message, held: Sequence[Held]) -> Held | None:
        for each in held:
            if each.mid == message.mid:
                if each.generation != message.generation:
                    # A broker that begins anew could give this number too, by chance.
                    kept = True if message.mid != self._place else self.same_number
                    self._learn(kept, message.again)
                return each
        earlier = [each for each in held if each.generation != message.generation]
        begun = message.session == message.generation and not message.again
        if not earlier or self.same_number or begun:
            return None
        # What was not acknowledged comes before anything new.
        self._learn(False, message.again)
        return earlier[0]

    def _learn(self, same_number: bool | None, marks: bool) -> None:
        self.same_number, self.marks = same_number, marks

    def done(self, message: Message) -> None:
        """The broker has been told that this picture is done."""
        with self._lock:
            held = self._held.get(message.key[:CONTENT], [])
            held[:] = [each for each in held if each.mid != message.mid]
            if not held:
                self._held.pop(message.key[:CONTENT], None)

    def which(self, message: Message, known: Sequence[Known]) -> Known | Doubt | None:
        """Which of the rows of equal pictures is this one's; None: it is new."""
        key = message.key
        for each in known:
            if each.key == key and _same_again(message, each):
                with self._lock:
                    self._claim(message, key)
                return each
        if message.retained:
            # What is retained was published before, so an equal row is its own.
            return known[-1] if known else None
        if not message.qos:
            return None
        with self._lock:
            possible = [
                each
                for each in known
                if each.key != key and self._possible(message, each)
            ]
            if not possible:
                return None
            answer = self._is_redelivery(message, key)
            if answer is None:
                return Doubt.ASK
            if not answer:
                return None
            self._claim(message, possible[0].key)
            return possible[0]

    def _claim(self, message: Message, key: str) -> None:
        """Its connection has brought this picture again, and nothing else is it."""
        self._claimed[message.generation, key] = message.mid
        while len(self._claimed) > _MOST:
            self._claimed.popitem(last=False)

    def _possible(self, message: Message, known: Known) -> bool:
        """Whether the row may be of a delivery that can come again, renumbered."""
        number = self._claimed.get((message.generation, known.key), message.mid)
        if number != message.mid or known.generation == message.generation:
            return False
        if not known.generation:
            return message.taken - self._started < _AFTER_START
        return message.taken - known.at < _AFTER_WRITING

    def _is_redelivery(self, message: Message, key: str) -> bool | None:
        held = next(
            (
                each
                for each in self._held.get(key[:CONTENT], ())
                if each.mid == message.mid
            ),
            None,
        )
        marked = held.marked if held else message.again
        if self.same_number or (self.marks and not marked):
            return False
        if self.same_number is False and (marked or self.marks is False):
            return True
        if held and held.asked:
            return True  # and nothing in the answer speaks against it
        if held:
            held.asked = True
        return None


def _same_again(message: Message, known: Known) -> bool:
    """Whether a message with the number of a row is that row's.

    Within a connection a number is used again only after its acknowledgement, and a
    session that began with the connection `message.session` redelivers nothing from
    before it; unless the broker says that it does.
    """
    if message.again or message.retained:
        return True
    return (
        known.generation != message.generation and known.generation >= message.session
    )
