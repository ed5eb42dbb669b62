"""Last nudges and suspensions of each camera, in a file that outlives a restart."""

import json
import logging
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from common.errors import OperatorError
from common.files import write_text

log = logging.getLogger(__name__)

_LAST, _SUSPENDED = "last", "suspended"  # what the file has, each by camera


class Memory:
    """The last nudge of each camera, and until when it wants none; in any thread."""

    def __init__(self, file: Path | None = None, *, keep: bool = True) -> None:
        """Read what there is; a file that cannot be understood counts as empty.

        Without `keep` or a file nothing is written.
        """
        self._file = file if keep else None
        found = _read(file) if file else {}
        self._last = found.get(_LAST, {})
        self._suspended = found.get(_SUSPENDED, {})
        self._lock = threading.Lock()

    def rests(self, pi: str, now: datetime, period: timedelta) -> bool:
        """Whether a camera has had its nudge for now."""
        last = self._last.get(pi)
        # One in the future stems from a clock that was put right since.
        return last is not None and timedelta(0) <= now - last < period

    def suspended(self, pi: str, now: datetime) -> datetime | None:
        """Until when this camera's nudges are suspended, None if they are not."""
        until = self._suspended.get(pi)
        return until if until is not None and until > now else None

    def suspend(self, pi: str, until: datetime | None) -> None:
        """Suspend a camera's nudges, or none of them any more.

        Raises:
            OperatorError: it cannot be written down.
        """
        with self._lock:
            if self._suspended.get(pi) == until:
                return
            if until is None:
                del self._suspended[pi]
            else:
                self._suspended[pi] = until
            self._save()

    def note(self, pi: str, now: datetime, period: timedelta) -> None:
        """A camera gets a nudge now; what is older than a period is forgotten.

        Raises:
            OperatorError: it cannot be written down.
        """
        with self._lock:
            old = [each for each in self._last if not self.rests(each, now, period)]
            for camera in old:
                del self._last[camera]
            self._last[pi] = now
            over = [each for each, until in self._suspended.items() if until <= now]
            for camera in over:
                del self._suspended[camera]
            self._save()

    def take_back(self, pi: str) -> None:
        """The camera got none after all.

        Raises:
            OperatorError: it cannot be written down.
        """
        with self._lock:
            self._last.pop(pi, None)
            self._save()

    def _save(self) -> None:
        if self._file is None:
            return
        try:
            write_text(
                self._file,
                json.dumps(
                    {
                        _LAST: _as_texts(self._last),
                        _SUSPENDED: _as_texts(self._suspended),
                    }
                ),
            )
        except OperatorError as error:
            raise OperatorError(
                f"{error}; name another file with NUDGE_STATE (--state). Nobody is "
                "nudged until then, or a restart would nudge again"
            ) from error


def _as_texts(times: dict[str, datetime]) -> dict[str, str]:
    return {pi: each.isoformat() for pi, each in times.items()}


def _read(file: Path) -> dict[str, dict[str, datetime]]:
    try:
        found = json.loads(file.read_text())
        if all(isinstance(each, str) for each in found.values()):
            found = {_LAST: found}  # as it was written before there were suspensions
        return {what: _times(texts) for what, texts in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("cannot read %s: %s; it counts as empty", file, error)
        return {}


def _times(texts: dict[str, Any]) -> dict[str, datetime]:
    times = {pi: datetime.fromisoformat(text) for pi, text in texts.items()}
    if any(each.tzinfo is None for each in times.values()):
        raise ValueError("it has times without a zone")
    return times
