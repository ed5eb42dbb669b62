"""/healthz and /livez of the nudges, where a port is set."""

import time
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry

from common.status_port import StatusPort
from nudge.settings import NudgeSettings

_LOOKS = 3  # intervals without a look, after which only a new start helps
_LONGEST = 300.0  # seconds that one look may take


class Health:
    """Says how the last look went, and when it was; a context manager."""

    def __init__(self, settings: NudgeSettings) -> None:
        """Prepare; the port is opened on entering."""
        self._settings = settings
        self._patience = _LOOKS * settings.interval + _LONGEST
        self._looked = time.monotonic()
        self._trouble = ""
        self._port: StatusPort | None = None

    def __enter__(self) -> Self:
        """Open the port, if there is to be one.

        Raises:
            OperatorError: it cannot be opened.
        """
        if self._settings.metrics_port:
            self._port = StatusPort(
                self._settings.metrics_address,
                self._settings.metrics_port,
                CollectorRegistry(),
                lambda: self._trouble or None,
                "METRICS_PORT",
                self._standstill,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        if self._port:
            self._port.close()

    def looked(self, trouble: str) -> None:
        """A look is done; `trouble` is what went wrong, if anything did."""
        self._looked, self._trouble = time.monotonic(), trouble

    def _standstill(self) -> str | None:
        since = time.monotonic() - self._looked
        if since < self._patience:
            return None
        return f"there was no look for {since:.0f} s"
