"""What a run leaves on this machine while it lasts: records, logs, a lock."""

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from common import private, processes
from common.errors import OperatorError
from common.files import write_text
from launcher.settings import TraceSettings

HELPERS = {
    "watcher": "gpu_affinity_watcher.py",
    "scaler": "cpu_monitor_and_offload.py",
}


# Its module, and that of the release before, whose helpers a newer stop.py ends too.
_KEEPERS = (["launcher.supervisor"], ["placement.keeper"])


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
        self.values = self.folder / "values.yaml"
        self.adopted = self.folder / "adopted.yaml"
        self.launcher = self.record("launcher")
        self.keeper = self.record("keeper")
        self.keeper_log = self.folder / "keeper.log"

    def log_here(self) -> None:
        """Let this process log to the run's log, warnings of libraries included.

        Raises:
            OperatorError: nothing can be written there, or others may write there too.
        """
        private.make_folder(self.folder)
        logging.basicConfig(
            stream=os.fdopen(private.append_to(self.log), "a"),
            level=logging.INFO,
            format="%(asctime)s %(levelname)-7s %(message)s",
        )
        logging.captureWarnings(capture=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only launcher here.

        Raises:
            OperatorError: another one is at work.
        """
        try:
            with processes.lock(self.lock):
                yield
        except BlockingIOError:
            raise OperatorError(
                "another launcher is at work here; to end it: python stop.py"
            ) from None

    def remember(self, target: Mapping[str, str]) -> None:
        """Keep where this run goes, variables and texts, for a stop elsewhere."""
        write_text(self._target, json.dumps(dict(target), indent=1))

    def remembered(self) -> dict[str, str]:
        """Where the last run went; empty if that is not known.

        Raises:
            OperatorError: others may have written what is there.
        """
        try:
            kept = json.loads(private.read_text(self._target) or "{}")
            return {str(name): str(text) for name, text in kept.items()}
        except (ValueError, AttributeError):
            return {}

    def check_record(self, name: str) -> None:
        """Make sure that the record called `name`, if any, is of one of our processes.

        Raises:
            OperatorError: it is of another, or others may have written it.
        """
        found = processes.read_record(self.record(name))
        if found and not _is_started_as(name, found.command):
            raise OperatorError(
                f"{self.record(name)} is of a command that is never started as {name}: "
                f"nothing is ended for it; look, then remove it: rm {self.record(name)}"
            )

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


def _is_started_as(name: str, command: Sequence[str]) -> bool:
    if name == "keeper":
        return list(command[1:2]) == ["-m"] and list(command[2:3]) in _KEEPERS
    script = HELPERS.get(name, "build_and_push.py")
    return any(Path(each).name == script for each in command[1:])
