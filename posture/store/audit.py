"""The audit log: one line of JSON for each time that somebody's data was deleted."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from common.errors import OperatorError

_MODE = 0o640


class AuditLog:
    """A file that is only ever added to."""

    def __init__(self, path: Path) -> None:
        """Open it, before anything is deleted.

        Raises:
            OperatorError: nothing can be written there.
        """
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE)
        except OSError as error:
            raise OperatorError(
                f"cannot write the audit log {path}: {error.strerror}; nothing was "
                "deleted (AUDIT_LOG)"
            ) from error

    def add(self, **said: str) -> None:
        """Add a line, on the disk when this returns."""
        time = datetime.now(UTC).isoformat(timespec="seconds")
        line = json.dumps({"time": time, **said}, ensure_ascii=False)
        os.write(self._file, f"{line}\n".encode())
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
