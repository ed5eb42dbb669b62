"""Work that is done every day at one time, for good."""

import logging
from collections.abc import Callable
from datetime import datetime, time, timedelta

from common.signals import Stop

log = logging.getLogger(__name__)

_LOOK = 60.0  # seconds: a machine that was asleep notices soon what it has missed
_AGAIN = timedelta(hours=1)


def next_time(at: time, after: datetime) -> datetime:
    """The first moment after `after` at this time of the day, in its zone."""
    today = datetime.combine(after.date(), at, after.tzinfo)
    return today if today > after else today + timedelta(days=1)


def _now() -> datetime:
    return datetime.now().astimezone()


def every_day(
    at: time,
    work: Callable[[], bool],
    stop: Stop,
    now: Callable[[], datetime] = _now,
    look: float = _LOOK,
) -> None:
    """Do `work` at once and then each day at `at`, until `stop` is set.

    What has failed (False) is tried again after an hour. `now` gives the time in the
    zone of `at`, `look` is how many seconds pass between two looks at it.
    """
    due = now()
    while not stop.is_set():
        if now() >= due:
            done = work()
            due = next_time(at, now())
            if not done:
                due = min(due, now() + _AGAIN)
            log.info("next: %s", f"{due:%Y-%m-%d %H:%M}")
        stop.wait(look)
