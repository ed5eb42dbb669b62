"""Processes of the demo, and what a killed earlier run has left of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from common import options, private
from common.errors import OperatorError
from common.files import write_text
from common.processes import Record, end_recorded, is_running, record_of
from page.settings import PageSettings
from posture.settings import WorkerSettings

_START = 60  # seconds
_GRACE = 30  # seconds for a program to finish what it has in hand
_SCRIPTS = Path(__file__).parents[1]


class Run:
    """Says in a file which processes belong to this run."""

    def __init__(self, folder: Path) -> None:
        """Begin a run in `folder`, after ending what an earlier one has left.

        Raises:
            OperatorError: a run is going on there, or others could have written what
                an earlier one has noted.
        """
        self._file = folder / "run.json"
        for number, record in enumerate(self._recorded()):
            if number == 0 and is_running(record):
                raise OperatorError(
                    f"a demo is running in {folder} already (process {record.pid}): "
                    "end it with Ctrl-C, or name another folder with --folder"
                )
            end_recorded(record, _GRACE)
        self._records: list[Record] = []
        self.note(os.getpid(), "run_local.py")

    def note(self, pid: int, script: str) -> None:
        """Note a process of this run; the first is the run's own."""
        self._records.append(record_of(pid, [script]))
        write_text(self._file, json.dumps([asdict(each) for each in self._records]))

    def ended(self) -> None:
        """Nothing is left of this run."""
        self._file.unlink(missing_ok=True)

    def _recorded(self) -> list[Record]:
        """The processes of the last run, be they there or gone."""
        try:
            text = private.read_text(self._file) or "[]"
            return [Record(**each) for each in json.loads(text)]
        except (ValueError, TypeError):
            return []


class Program:
    """A script of ours as a process of its own, like in a pod; it logs into a file."""

    def __init__(
        self, name: str, script: str, environ: dict[str, str], log: Path
    ) -> None:
        """Start it; messages call it `name`."""
        self._name = name
        self.script = script
        self._log = log
        self._begin = log.stat().st_size if log.exists() else 0
        with os.fdopen(private.append_to(log), "ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, str(_SCRIPTS / script)],
                env=_without_settings(os.environ) | environ,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,  # Ctrl-C is for us: we end it in good order
            )
        self.pid = self._process.pid

    def wait_ready(self) -> None:
        """Wait until it says that it works.

        Raises:
            OperatorError: it has ended, or is not ready in time.
        """
        until = time.monotonic() + _START
        while "ready: " not in self._said():
            self.check()
            if time.monotonic() > until:
                raise OperatorError(
                    f"the {self._name} is not ready after {_START} s: see {self._log}"
                )
            time.sleep(0.05)

    def check(self) -> None:
        """Make sure that it runs.

        Raises:
            OperatorError: it has ended; with its last words.
        """
        code = self._process.poll()
        if code is not None:
            words = self._said().splitlines()[-5:]
            raise OperatorError(
                f"the {self._name} ended with {code}; the end of {self._log}:\n"
                + "\n".join(words)
            )

    def stop(self) -> None:
        """End it: what it has in hand is finished first."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _said(self) -> str:
        with self._log.open("rb") as stream:
            stream.seek(self._begin)
            return stream.read().decode(errors="replace")


def _without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what is set for a worker or a page elsewhere."""
    theirs = {
        each.env
        for settings in (WorkerSettings, PageSettings)
        for each in options.options_of(settings)
    }
    return {name: value for name, value in environ.items() if name not in theirs}
