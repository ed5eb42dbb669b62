"""Messages of the quarantine, put back to where they came from."""

import json
import logging
from pathlib import Path

from common.publisher import Publisher, PublishError
from posture.settings import ReplaySettings

log = logging.getLogger(__name__)


def replay(settings: ReplaySettings) -> int:
    """Publish each message that is kept whole under its topic again; gives how many.

    One leaves the quarantine once the broker has accepted it for somebody.

    Raises:
        PublishError: the broker cannot be reached, refuses them, or knows no session
            that wants them.
    """
    notes = sorted(settings.quarantine.glob("*.json"))
    with Publisher(settings.broker) as publisher:
        return sum(_put_back(publisher, note) for note in notes)


def _put_back(publisher: Publisher, note: Path) -> bool:
    payload = note.with_suffix(".payload")
    topic = json.loads(note.read_text())["topic"]
    content = payload.read_bytes() if payload.exists() else b""
    if not content:
        log.warning("%s: its payload was not kept", note.name)
        return False
    publisher.send(topic, content)
    publisher.finish()
    if publisher.unheard:
        raise PublishError(f"{note.name}: the broker knows no session for {topic!r}")
    payload.unlink()
    note.unlink()
    log.info("%s: back on %r", note.name, topic[:80])
    return True
