"""A nudge on request, to see whether those of a camera arrive."""

import difflib
import logging
from datetime import datetime

from common.errors import OperatorError
from nudge.memory import Memory
from nudge.messengers import Send
from nudge.patience import Nudge
from nudge.settings import NudgeSettings

log = logging.getLogger(__name__)


def send_test(
    settings: NudgeSettings, memory: Memory, send: Send, pi: str, now: datetime
) -> None:
    """Tell those of a camera that this is a test, and say what holds nudges back now.

    Raises:
        OperatorError: it reached nobody; says why.
    """
    if not send(Nudge(pi, 0, 0, now, test=True)):
        raise OperatorError(_nobody(settings, pi))
    log.info("a test was sent for %s: is it there?", pi)
    if settings.is_quiet(now):
        log.info("there are no nudges at this time of the day: NUDGE_QUIET")
    if until := memory.suspended(pi, now):
        log.info("the nudges for %s are suspended until %s", pi, until.isoformat())


def _nobody(settings: NudgeSettings, pi: str) -> str:
    known = sorted({camera for camera, _ in settings.urls if camera})
    near = difflib.get_close_matches(pi, known, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return (
        f"NUDGE_URLS has no address of {pi}, only of {', '.join(known) or 'nobody'}"
        f"{hint}"
    )
