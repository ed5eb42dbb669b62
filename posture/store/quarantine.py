"""The quarantine: messages that could not be analyzed, each with the reason."""

import json
import logging
import threading
from datetime import UTC, datetime
from pathlib import Path

from posture.store.own_files import delete, messages
from posture.store.pictures import save

log = logging.getLogger(__name__)


class Quarantine:
    """Messages that could not be analyzed, with the reason; the oldest go first."""

    def __init__(self, folder: Path, limit: int, *, payloads: bool = True) -> None:
        """Keep at most `limit` bytes in `folder`; without `payloads` only notes."""
        self._folder = folder
        self._limit = limit
        self._payloads = payloads
        self._lock = threading.Lock()  # one counts and forgets at a time

    def keep(self, name: str, pi: str, topic: str, payload: bytes, reason: str) -> None:
        """Keep a message of a camera as `name`: its payload, and a note beside it."""
        note = {
            "topic": topic,
            "pi": pi,
            "reason": reason,
            "bytes": len(payload),
            "refused_time": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if len(payload) > self._limit:
            log.warning("quarantine keeps no payload of %d bytes", len(payload))
            payload = b""
        if not self._payloads:
            payload = b""
        try:
            # The note first: what it does not name would never be forgotten.
            words = json.dumps(note, indent=1).encode()
            file = self._folder / name
            save(
                {
                    file.with_suffix(".json"): words,
                    file.with_suffix(".payload"): payload,
                }
            )
            with self._lock:
                self._forget_oldest()
        except OSError as error:
            # The picture is lost to study, but it was refused anyway: carry on.
            log.warning("quarantine cannot keep %s: %s", name, error)

    def _forget_oldest(self) -> None:
        kept = sorted(messages(self._folder).values(), key=lambda each: each.time)
        total = sum(each.size for each in kept)
        for message in kept:
            if total <= self._limit:
                return
            total -= message.size
            for file in message.files:
                delete(file)
