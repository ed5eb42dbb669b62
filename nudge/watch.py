"""Look after look at the table: who is to be nudged."""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from common.errors import OperatorError
from nudge.memory import Memory
from nudge.messengers import Send
from nudge.minutes import minutes
from nudge.patience import Minutes, Nudge, minute_of
from nudge.settings import NudgeSettings
from page.rows import Rows

log = logging.getLogger(__name__)

_ALL = 1 << 62  # rows


def look(
    settings: NudgeSettings, rows: Rows, memory: Memory, send: Send, now: datetime
) -> bool:
    """Nudge where it is time to; False when a nudge could not be told to anybody.

    It is tried again at the next look.

    Raises:
        DatabaseAwayError: the database did not answer.
        OperatorError: what was done cannot be written down.
    """
    # The rest of this minute too: clocks differ by seconds.
    seen = minutes(rows, now - settings.rule.horizon, now + timedelta(minutes=1))
    told = True
    for nudge in due(settings, seen, memory, now):
        # Noted first: what ends us here costs a nudge, and never makes two of one.
        memory.note(nudge.pi, now, settings.rule.period)
        try:
            if send(nudge):
                log.info("nudged: %s", nudge.text)
        except OperatorError as error:
            memory.take_back(nudge.pi)
            told = False
            log.error("%s; trying again", error)  # noqa: TRY400 - a message
    return told


def due(
    settings: NudgeSettings, seen: Mapping[str, Minutes], memory: Memory, now: datetime
) -> Iterator[Nudge]:
    """The nudges that it is time for."""
    rule = settings.rule
    if settings.is_quiet(now):
        return
    for pi in sorted(seen):
        bad = rule.bad_minutes(seen[pi], minute_of(now))
        calm = memory.rests(pi, now, rule.period) or memory.suspended(pi, now)
        if bad and not calm:
            yield Nudge(pi, bad, rule.minutes, now)


def simulate(
    settings: NudgeSettings, rows: Rows, start: datetime, end: datetime
) -> Iterator[Nudge]:
    """The nudges that there would have been from `start` to `end`, both aware.

    Raises:
        DatabaseAwayError: the database did not answer.
    """
    start, end = (each.astimezone(UTC) for each in (start, end))
    seen = minutes(rows, start - settings.rule.horizon, end, _ALL)
    memory = Memory()
    now = start
    while now <= end:
        for nudge in due(settings, seen, memory, now):
            memory.note(nudge.pi, now, settings.rule.period)
            yield nudge
        now += timedelta(minutes=1)
