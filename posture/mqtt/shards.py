"""Which of several workers analyzes a message.

Every worker has a durable session of its own, its slot, and the broker gives each slot
every message. A worker analyzes its share and acknowledges the rest at once. Nobody
has to agree on anything while they work, so nothing can be stranded with a worker that
is gone: its share waits in its slot.
"""

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Slot:
    """One of `of` workers; `index` counts from 0."""

    index: int
    of: int

    def client_id(self, base: str) -> str:
        """The name of the slot's session; a worker on its own has just the base."""
        return base if self.of == 1 else f"{base}-{self.index}of{self.of}"

    def owns(self, topic: str, payload: bytes) -> bool:
        """Whether the message is this slot's: each one is exactly one slot's."""
        if self.of == 1:
            return True
        return zlib.crc32(payload, zlib.crc32(topic.encode())) % self.of == self.index


def slots(count: int) -> list[Slot]:
    """All slots of so many workers."""
    return [Slot(index, count) for index in range(count)]
