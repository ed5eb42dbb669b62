"""How much somebody has leaned today at each camera, over MQTT, every few minutes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from common.publisher import Publisher
from nudge.settings import NudgeSettings
from page.minutes import Counted, of_all
from page.rows import Rows
from posture.results.home_assistant import description_of_today
from posture.results.payload import today_topic
from posture.results.settings import ResultSettings

SCHEMA = 1
"""Version of what is published; a change that breaks readers makes it 2."""

_EVERY = timedelta(minutes=5)
_PATIENCE = 10  # seconds that the broker may stay silent
_ALL = 1 << 62  # rows


class Today:
    """Tells it again whenever some minutes have passed."""

    def __init__(self, settings: NudgeSettings, rows: Rows) -> None:
        """Prepare; nothing is told unless the settings want it."""
        self._settings = settings
        self._rows = rows
        self._next: datetime | None = None

    def look(self, now: datetime) -> None:
        """Tell it if it is time to; `now` is aware.

        Raises:
            OperatorError: database or broker did not answer.
        """
        if not self._settings.today or (self._next and now < self._next):
            return
        start = midnight(now, self._settings)
        counted = of_all(self._rows, start, now + timedelta(minutes=1), _ALL)
        messages = list(_messages(self._settings, counted, now))
        if messages:
            with Publisher(self._settings.broker, _PATIENCE) as publisher:
                for topic, payload in messages:
                    publisher.send(topic, payload, retain=True)
                publisher.finish()
        self._next = now + _EVERY


def midnight(now: datetime, settings: NudgeSettings) -> datetime:
    """When today began where the people are."""
    here = now.astimezone(settings.zone)
    if settings.zone is None:
        return datetime.combine(here.date(), datetime.min.time()).astimezone()
    return datetime.combine(here.date(), datetime.min.time(), settings.zone)


def documents(counted: list[Counted], now: datetime) -> dict[str, dict[str, object]]:
    """What is told of each camera that saw somebody; percent of the judged minutes."""
    cameras: dict[str, list[Counted]] = {}
    for each in counted:
        cameras.setdefault(each.pi, []).append(each)
    found: dict[str, dict[str, object]] = {}
    for pi, minutes in cameras.items():
        judged = sum(each.judged for each in minutes)
        leaning = sum(each.judged and each.leans for each in minutes)
        found[pi] = {
            "schema": SCHEMA,
            "pi": pi,
            "leaning_percent": round(100 * leaning / judged) if judged else None,
            "leaning_minutes": leaning,
            "judged_minutes": judged,
            "time": now.astimezone(UTC).isoformat(timespec="seconds"),
        }
    return found


def _messages(
    settings: NudgeSettings, counted: list[Counted], now: datetime
) -> Iterator[tuple[str, bytes]]:
    results = ResultSettings(
        publish=True,
        prefix=settings.prefix,
        pictures=False,
        discovery=settings.discovery,
        expire_after=0,
    )
    for pi, document in documents(counted, now).items():
        if settings.discovery:
            yield description_of_today(results, pi)
        yield today_topic(settings.prefix, pi), json.dumps(document).encode()
