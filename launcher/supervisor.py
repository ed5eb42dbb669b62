"""Keeps the helpers running: `python -m launcher.supervisor FOLDER NAME=SCRIPT...`.

A helper that ends is started again, after a pause that doubles; one that keeps ending
is given up, for something is wrong that no restart mends. SIGTERM ends the helpers and
the keeper.
"""

import argparse
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from common import processes
from common.errors import OperatorError
from common.signals import Stop

log = logging.getLogger("launcher.supervisor")

_WRONG_SETTINGS = 2  # this exit code of our scripts: no restart mends it
_TICK = 0.2  # seconds between looks at the helpers


@dataclass
class Patience:
    """How long to wait before the next start, and when to give up. Pure.

    More than `limit` ends within `window` seconds are one too many; the pauses are
    1, 2, 4, ... seconds.
    """

    limit: int = 5
    window: float = 600.0
    _ends: list[float] = field(default_factory=list)

    def pause_after(self, now: float) -> float | None:
        """Seconds to wait after an end at `now`, on any clock; None: give up."""
        self._ends = [each for each in self._ends if now - each < self.window]
        self._ends.append(now)
        ends = len(self._ends)
        return None if ends > self.limit else 2.0 ** (ends - 1)


class Helper:
    """One script that is kept running."""

    def __init__(self, name: str, command: list[str], folder: Path) -> None:
        self.name = name
        self._command = command
        self._record = folder / f"{name}.json"
        self._log = folder / f"{name}.log"
        self._patience = Patience()
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at: float | None = 0.0

    def look(self, now: float) -> None:
        """Start it if it is time to; note it if it has ended."""
        if self._process is None:
            if self._start_at is not None and now >= self._start_at:
                self._start(now)
        elif (code := self._process.poll()) is not None:
            self._process = None
            self._ended(code, now)

    def _start(self, now: float) -> None:
        try:
            self._process = processes.start(
                self._record, self._command, self._log, os.environ
            )
        except OperatorError as error:  # a full disk may have room later
            pause = self._patience.pause_after(now)
            self._start_at = None if pause is None else now + pause
            again = "given up" if pause is None else f"tried again in {pause:g} s"
            log.warning("%s cannot be started: %s; %s", self.name, error, again)
        else:
            log.info("%s started, pid %d", self.name, self._process.pid)

    def _ended(self, code: int, now: float) -> None:
        pause = None if code == _WRONG_SETTINGS else self._patience.pause_after(now)
        self._start_at = None if pause is None else now + pause
        if pause is None:
            log.error(
                "%s ended with exit code %d and is not started again: see %s",
                self.name,
                code,
                self._log,
            )
        else:
            log.warning(
                "%s ended with exit code %d: starting it again in %g s; its log is %s",
                self.name,
                code,
                pause,
                self._log,
            )

    def ask_to_end(self) -> None:
        """SIGTERM, if it runs."""
        if self._process is not None:
            self._process.terminate()

    def end(self) -> None:
        """Wait for its end, by force if need be, and remove its record."""
        if self._process is not None:
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._record.unlink(missing_ok=True)


def keep(helpers: list[Helper], stop: Stop) -> None:
    """Keep `helpers` running until `stop` is set, then end them."""
    while not stop.wait(_TICK):
        for each in helpers:
            each.look(time.monotonic())
    for each in helpers:
        each.ask_to_end()
    for each in helpers:
        each.end()


def main(argv: list[str] | None = None) -> int:
    """Keep what the command line names running until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m launcher.supervisor")
    parser.add_argument("folder", type=Path)
    parser.add_argument("helpers", nargs="+", metavar="NAME=SCRIPT")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stop = Stop()
    # A second signal must not end it before its helpers.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    helpers = []
    for each in arguments.helpers:
        name, _, script = each.partition("=")
        helpers.append(Helper(name, [sys.executable, script], arguments.folder))
    keep(helpers, stop)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
