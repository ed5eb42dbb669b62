"""The helpers of a run on this machine: started, awaited, watched."""

import os
import re
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from common import processes
from common.errors import OperatorError
from common.signals import Stop
from launcher.run_dir import HELPERS, Trace

_UP_WITHIN = 30.0  # seconds for the helpers to answer
_TICK = 0.2
_A_PATH = re.compile(r"\w+_(FILE|FOLDER|MANIFEST)")  # settings that hold a path


@dataclass(frozen=True)
class Helpers:
    """Watcher and scaler, and the keeper that starts them again."""

    trace: Trace
    root: Path
    """The folder with the scripts."""

    environ: Mapping[str, str]
    """Of the helpers, with what the flags say."""

    port: int
    """Where the scaler answers KEDA."""

    def start(self) -> str:
        """Start the keeper unless it runs, and wait until all are up.

        Raises:
            OperatorError: they do not come up; says why, and where their log is.
        """
        if not processes.running(self.trace.keeper):
            command = [sys.executable, "-m", "launcher.supervisor"]
            command += [str(self.trace.folder)]
            command += [f"{name}={self.root / file}" for name, file in HELPERS.items()]
            processes.start(
                self.trace.keeper,
                command,
                self.trace.keeper_log,
                self._environ(),
            )
        self._wait_until_up()
        return ", ".join(
            f"{name} pid {processes.running(record)}"
            for name, record in self.trace.helpers.items()
        )

    def preview(self) -> str:
        """What `start` would do."""
        return (
            f"would start {' and '.join(HELPERS.values())}; logs in {self.trace.folder}"
        )

    def follow(self, show: Callable[[str], None], stop: Stop) -> None:
        """Show what the keeper says from now on, until `stop` is set."""
        kept = True
        with self.trace.keeper_log.open(errors="replace") as log:
            log.seek(0, os.SEEK_END)
            while not stop.wait(_TICK):
                for line in log:
                    show(f"  {line.rstrip()}")
                if kept and not processes.running(self.trace.keeper):
                    kept = False
                    show("  the keeper is gone: no helper is started again now")

    def _environ(self) -> dict[str, str]:
        return {
            **with_absolute_paths(self.environ, Path.cwd()),
            "LAST_NODE_FILE": str(self.trace.last_node.absolute()),
            "PYTHONPATH": self._path(),
            "PYTHONUNBUFFERED": "1",
        }

    def _path(self) -> str:
        paths = (str(self.root), self.environ.get("PYTHONPATH"))
        return os.pathsep.join(filter(None, paths))

    def _wait_until_up(self) -> None:
        until = time.monotonic() + _UP_WITHIN
        while name := self._not_up():
            if time.monotonic() > until:
                log = self.trace.log_of(name)
                raise OperatorError(
                    f"the {name} is not up after {_UP_WITHIN:g} s: {_end_of(log)}; its "
                    f"log is {log}"
                )
            time.sleep(_TICK)

    def _not_up(self) -> str | None:
        for name, record in self.trace.helpers.items():
            if not processes.running(record):
                return name
        return None if _accepts(self.port) else "scaler"


def with_absolute_paths(environ: Mapping[str, str], here: Path) -> dict[str, str]:
    """Settings for a process in another folder: paths mean what they mean `here`."""
    made = dict(environ)
    for name, text in environ.items():
        if name == "KUBECONFIG":
            several = map(partial(_absolute, here), text.split(os.pathsep))
            made[name] = os.pathsep.join(several)
        elif _A_PATH.fullmatch(name):
            made[name] = _absolute(here, text)
    return made


def _absolute(here: Path, text: str) -> str:
    return text if not text or text.startswith("~") else str(here / text)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return " / ".join(lines[-2:]) or "it said nothing"
