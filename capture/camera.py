"""Picture after picture, at an interval, but for pauses and quiet hours."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from capture.errors import SourceError
from capture.outbox import Outbox, Waiting
from capture.settings import CameraSettings
from capture.sources.source import Source
from common.pause import FOR_GOOD, as_text, kept_text, paused_until
from common.signals import Stop

log = logging.getLogger(__name__)

Tell = Callable[[str, str], None]
"""Hears the camera's state, and the reason for it."""


class Camera:
    """Asks a source for pictures, and puts them into an outbox."""

    def __init__(
        self, settings: CameraSettings, source: Source, outbox: Outbox
    ) -> None:
        self._settings = settings
        self._source = source
        self._outbox = outbox
        self._pause: datetime | None = None
        self._lock = threading.Lock()
        self._told: tuple[str, str] | None = None

    def pause(self, text: str, keep: Callable[[str], None]) -> None:
        """Hear of a pause; `keep` has the broker retain when it ends."""
        try:
            until = paused_until(text, datetime.now(UTC))
        except ValueError as error:
            log.error("%s", error)  # noqa: TRY400 - a message, not a traceback
            return
        with self._lock:
            self._pause = until
        log.info("pause: %s", as_text(until))
        if kept := kept_text(text, until):
            keep(kept)

    def run(self, tell: Tell, stop: Stop) -> None:
        """Take pictures until `stop` is set."""
        due = time.monotonic()
        while not stop.is_set():
            self.look(tell, datetime.now(UTC))
            # What has been missed is not made up for.
            due = max(due + self._settings.interval, time.monotonic())
            stop.wait(max(0.0, due - time.monotonic()))

    def look(self, tell: Tell, now: datetime) -> None:
        """Take one picture, unless nobody wants one now."""
        state, reason = self._wanted(now)
        if state == "online":
            state, reason = self._take()
        if (state, reason) != self._told:
            self._told = (state, reason)
            level = logging.ERROR if state == "no_picture" else logging.INFO
            log.log(level, "%s%s", state.replace("_", " "), reason and f": {reason}")
            tell(state, reason)

    def _wanted(self, now: datetime) -> tuple[str, str]:
        with self._lock:
            pause = self._pause
        if pause and pause > now:
            return "paused", "" if pause == FOR_GOOD else f"until {as_text(pause)}"
        quiet = self._settings.quiet
        if quiet and quiet.cover(now.astimezone(self._settings.zone)):
            return "quiet", f"until {quiet.end:%H:%M}"
        return "online", ""

    def _take(self) -> tuple[str, str]:
        try:
            file = self._source.picture()
        except SourceError as error:
            return "no_picture", str(error)
        before = self._outbox.dropped
        self._outbox.put(Waiting(self._settings.topic, file))
        if self._outbox.dropped != before:
            log.warning(
                "the broker has been away for too long: %d pictures dropped so far",
                self._outbox.dropped,
            )
        return "online", ""
