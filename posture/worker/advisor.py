"""Watches what each camera's last pictures gave, and says what is wrong with it."""

import logging
from collections import OrderedDict, deque

from posture.vision.advice import Seen, advise
from posture.vision.verdict import Verdict

log = logging.getLogger(__name__)

_LAST = 20  # pictures of a camera that are looked at
_CAMERAS = 1000  # past that the one silent for longest is forgotten


class Advisor:
    """Says once what to do about a camera, and again when that changes."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, deque[Seen]] = OrderedDict()
        self._said: dict[str, str] = {}

    def see(self, pi: str, verdict: Verdict) -> None:
        """Take in one verdict; may log a warning."""
        last = self._last.setdefault(pi, deque(maxlen=_LAST))
        self._last.move_to_end(pi)
        last.append(Seen(verdict.reason, verdict.yaw, verdict.rotate))
        if len(self._last) > _CAMERAS:
            forgotten, _ = self._last.popitem(last=False)
            self._said.pop(forgotten, None)
        advice = advise(pi, last)
        if advice and advice != self._said.get(pi):
            log.warning("most pictures of %s cannot be judged: %s", pi, advice)
        if advice or len(last) == _LAST:
            self._said[pi] = advice
