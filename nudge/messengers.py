"""The ways a nudge takes: Apprise's many services, and the broker."""

import json
import logging
from collections.abc import Callable
from datetime import UTC

from common.errors import OperatorError
from common.publisher import Publisher
from nudge.patience import Nudge
from nudge.settings import NudgeSettings

log = logging.getLogger(__name__)

Send = Callable[[Nudge], bool]
"""Tells of a nudge; False: nobody wants to know. OperatorError: it failed."""

SCHEMA = 1
"""Version of what is published; a change that breaks readers makes it 2."""

_PATIENCE = 10  # seconds that a broker may stay silent


def messengers(settings: NudgeSettings) -> Send:
    """What tells everybody who is to be told.

    Raises:
        OperatorError: there is nobody, or an address is none.
    """
    ways: list[Send] = []
    if settings.urls:
        # More than a third of a start: for who has such addresses.
        from nudge.services import Services

        ways.append(Services(settings).send)
    if settings.mqtt:
        ways.append(lambda nudge: _publish(settings, nudge))
    if not ways:
        raise OperatorError(
            "nobody to tell: set NUDGE_URLS (--urls-file) or NUDGE_MQTT (--mqtt), or "
            "try it out with --dry-run"
        )
    return lambda nudge: _tell(ways, nudge)


def _tell(ways: list[Send], nudge: Nudge) -> bool:
    """Raises OperatorError when no way worked: one that did is enough."""
    told, troubles = False, []
    for way in ways:
        try:
            told |= way(nudge)
        except OperatorError as trouble:
            troubles.append(str(trouble))
    if troubles and not told:
        raise OperatorError("; ".join(troubles))
    for each in troubles:
        log.error("%s", each)
    return told


def _publish(settings: NudgeSettings, nudge: Nudge) -> bool:
    document = {
        "schema": SCHEMA,
        "pi": nudge.pi,
        "title": nudge.title,
        "text": nudge.text,
        "bad_minutes": nudge.bad,
        "minutes": nudge.minutes,
        "time": nudge.time.astimezone(UTC).isoformat(timespec="seconds"),
        "test": nudge.test,
    }
    topic = f"{settings.prefix}/{nudge.pi}/nudge"
    try:
        with Publisher(settings.broker, _PATIENCE) as publisher:
            publisher.send(topic, json.dumps(document).encode())
            publisher.finish()
    except (OperatorError, ValueError) as error:  # a camera's name that is no topic
        raise OperatorError(
            f"the nudge for {nudge.pi} was not published: {error}"
        ) from error
    if nudge.test and publisher.unheard:
        raise OperatorError(f"it was published, but nobody has subscribed to {topic}")
    return True
