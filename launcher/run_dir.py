"""What a run leaves on this machine while it lasts: records, logs, a lock."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from common.errors import OperatorError
from launcher.settings import TraceSettings

HELPERS = {
    "watcher": "gpu_affinity_watcher.py",
    "scaler": "cpu_monitor_and_offload.py",
}


class Trace:
    """The paths of a run's files."""

    def __init__(self, settings: TraceSettings) -> None:
        # Absolute, for helpers that run elsewhere.
        self.folder = settings.folder.absolute()
        self.last_node = settings.last_node
        self.lock = self.folder / "lock"
        self.log = self.folder / "launcher.log"
        self._target = self.folder / "target.json"
        self.image = self.folder / "image.json"
        self.parts = self.folder / "parts"
        self.launcher = self.record("launcher")
        self.keeper = self.record("keeper")
        self.keeper_log = self.folder / "keeper.log"

    def log_here(self) -> None:
        """Let this process log to the run's log, warnings of libraries included.

        Raises:
            OperatorError: nothing can be written there.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            logging.basicConfig(
                filename=self.log,
                level=logging.INFO,
                format="%(asctime)s %(levelname)-7s %(message)s",
            )
        except OSError as error:
            raise OperatorError(
                f"cannot write {self.log}: {error.strerror}; name another RUN_FOLDER"
            ) from error
        logging.captureWarnings(capture=True)

    def remember(self, target: Mapping[str, str]) -> None:
        """Keep where this run goes, variables and texts, for a stop elsewhere."""
        self._target.write_text(json.dumps(dict(target), indent=1))

    def remembered(self) -> dict[str, str]:
        """Where the last run went; empty if that is not known."""
        try:
            kept = json.loads(self._target.read_text())
            return {str(name): str(text) for name, text in kept.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def record(self, name: str) -> Path:
        """Where the process called `name` records itself."""
        return self.folder / f"{name}.json"

    def log_of(self, name: str) -> Path:
        """Where the output of the helper called `name` goes."""
        return self.folder / f"{name}.log"

    @property
    def helpers(self) -> dict[str, Path]:
        """The records of the keeper, first, and of what it keeps."""
        return {name: self.record(name) for name in ("keeper", *HELPERS)}
