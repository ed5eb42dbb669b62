"""When each camera had its last nudge, in a file: a restart does not nudge twice."""

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path

from common.errors import OperatorError
from common.files import write_text
from nudge.errors import NudgeError

log = logging.getLogger(__name__)


class Memory:
    """The last nudge of each camera."""

    def __init__(self, file: Path | None = None, *, keep: bool = True) -> None:
        """Read what there is; a file that cannot be understood counts as empty.

        Without `keep` or a file nothing is written.
        """
        self._file = file if keep else None
        self._last: dict[str, datetime] = _read(file) if file else {}

    def rests(self, pi: str, now: datetime, period: timedelta) -> bool:
        """Whether a camera has had its nudge for now."""
        last = self._last.get(pi)
        # One in the future stems from a clock that was put right since.
        return last is not None and timedelta(0) <= now - last < period

    def note(self, pi: str, now: datetime, period: timedelta) -> None:
        """A camera gets a nudge now; what is older than a period is forgotten.

        Raises:
            NudgeError: it cannot be written down.
        """
        for camera in [
            each for each in self._last if not self.rests(each, now, period)
        ]:
            del self._last[camera]
        self._last[pi] = now
        self._save()

    def take_back(self, pi: str) -> None:
        """The camera got none after all.

        Raises:
            NudgeError: it cannot be written down.
        """
        self._last.pop(pi, None)
        self._save()

    def _save(self) -> None:
        if self._file is None:
            return
        text = json.dumps({pi: last.isoformat() for pi, last in self._last.items()})
        try:
            write_text(self._file, text)
        except OperatorError as error:
            raise NudgeError(
                f"{error}; name another file with NUDGE_STATE (--state). Nobody is "
                "nudged until then, or a restart would nudge again"
            ) from error


def _read(file: Path) -> dict[str, datetime]:
    try:
        found = json.loads(file.read_text())
        last = {pi: datetime.fromisoformat(text) for pi, text in found.items()}
        if all(each.tzinfo for each in last.values()):
            return last
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("cannot read %s: %s; it counts as empty", file, error)
        return {}
    log.warning("%s has times without a zone; it counts as empty", file)
    return {}
