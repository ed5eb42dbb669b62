"""What a broker calls a message that it delivers again.

MQTT says: by the same number, and with a mark (DUP). Brokers differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common.broker_answers import Delivery


@dataclass(frozen=True)
class Redelivery:
    """How it was seen to be."""

    same_number: bool | None
    """None: the numbers are what a broker would give that begins anew."""
    marked: bool

    def __str__(self) -> str:
        mark = "with a mark" if self.marked else "without a mark"
        number = "a new number" if self.same_number is False else "the same number"
        return f"{number}, {mark}"


def seen(before: Sequence[Delivery], after: Sequence[Delivery]) -> Redelivery | None:
    """Compare what came and was not acknowledged with how it came again.

    `before` and `after` are in the order of delivery; messages are known by topic and
    payload. None if nothing has come again.
    """
    first = {(each.topic, each.payload): each.mid for each in reversed(before)}
    pairs = [
        (first[each.topic, each.payload], place, each)
        for place, each in enumerate(after, 1)
        if (each.topic, each.payload) in first
    ]
    if not pairs:
        return None
    same: bool | None = None
    if any(was != each.mid for was, _, each in pairs):
        same = False
    elif any(each.mid != place for _, place, each in pairs):
        same = True
    return Redelivery(same, all(each.again for _, _, each in pairs))
