"""Pictures that may be poison are tried in a process of their own.

A picture on which the native decoder or the model crashes takes the worker along, and
would do so again after every restart, for the broker delivers it again. But it says so
then: what it delivers again on the first connection of a worker, the one before had in
hand when it ended. Such a picture is tried where it can break nothing else.

A picture that never ends cannot be stopped within a process: the worker says so, ends,
and meets that picture in the same way when it has been started again.
"""

import dataclasses
import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socketpair

from common import options
from common.errors import OperatorError
from common.process import end_with_parent
from posture.errors import PoisonError, RefusedError
from posture.settings import WorkerSettings
from posture.vision.analyze import Analysis, Find, Rules, analyze, analyze_file
from posture.vision.baseline import Baseline
from posture.vision.budget import Budget
from posture.vision.header import MOST_BYTES
from posture.vision.payload import check_header, decode_payload
from posture.vision.reason import Reason
from posture.vision.verdict import Status, Verdict
from posture.vision.view import View
from posture.worker.seccomp import go_offline

log = logging.getLogger(__name__)

_START = 60.0  # seconds that loading the model may take
_END = 10.0  # seconds that a crash may take to write its core
_ATTEMPTS = 2  # so that a process killed by chance costs no picture
_READY = b"ready"


class StuckError(OperatorError):
    """A picture has been analyzed for too long, and cannot be stopped."""


class Guarded:
    """Analyzes pictures: here, or in isolation when they are suspect."""

    def __init__(self, settings: WorkerSettings, model: Path) -> None:
        self._settings = settings
        self._rules = Rules.of(settings)
        self._begun: dict[int, float] = {}  # by thread
        self._one_at_a_time = threading.Lock()
        self._memory = Budget(MOST_BYTES)  # of the process that tries pictures, too
        self._trial = Trial(settings, model)

    def analyze(
        self,
        payload: bytes,
        find: Find,
        pi: str,
        *,
        suspect: bool,
        baseline: Baseline | None = None,
    ) -> Analysis:
        """Analyze one message's payload; `find` finds landmarks, unless it is suspect.

        `baseline` is the camera's, if it has one.

        Raises:
            RefusedError: no picture, or one that crashes or never ends.
        """
        file = decode_payload(payload, self._rules.limit, self._rules.payload_field)
        with (
            self._one_at_a_time if suspect else nullcontext(),
            self._memory.taking(check_header(file).weight),
        ):
            if suspect:
                with suppress(TrialError):
                    return self._trial.analyze(payload, pi, baseline)
            with self._clocked():
                return analyze_file(file, find, self._rules, pi, baseline)

    def check(self) -> None:
        """Make sure that no picture takes for ever.

        Raises:
            StuckError: one does.
        """
        longest = self.longest()
        if longest > self._settings.picture_deadline:
            raise StuckError(
                f"a picture has been analyzed for {longest:.0f} s and cannot be "
                "stopped: ending; the next worker tries it in isolation"
            )

    def longest(self) -> float:
        """Seconds that some picture has been analyzed by now; below 0: none is."""
        return time.monotonic() - min(self._begun.copy().values(), default=math.inf)

    def stuck(self, thread: threading.Thread) -> bool:
        """Whether this thread is the one that takes for ever."""
        begun = self._begun.get(thread.ident or 0, math.inf)
        return time.monotonic() - begun > self._settings.picture_deadline

    def close(self) -> None:
        """End the process that tries pictures."""
        self._trial.close()

    @contextmanager
    def _clocked(self) -> Iterator[None]:
        self._begun[threading.get_ident()] = time.monotonic()
        try:
            yield
        finally:
            del self._begun[threading.get_ident()]


class TrialError(OperatorError):
    """No process could be started to try a picture in."""


class Trial:
    """A process that analyzes one picture at a time, started when needed."""

    def __init__(self, settings: WorkerSettings, model: Path) -> None:
        self._deadline = settings.picture_deadline
        self._arguments = [
            str(model.resolve()),
            Rules.of(settings).as_json(),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection | None = None

    def analyze(
        self, payload: bytes, pi: str, baseline: Baseline | None = None
    ) -> Analysis:
        """Analyze one message's payload from the camera `pi` over there.

        Raises:
            RefusedError: it is no picture, or the process did not survive it.
            TrialError: the process cannot be started.
        """
        fate = ""
        for _ in range(_ATTEMPTS):
            line = self._line or self._start()
            try:
                line.send_bytes(json.dumps([pi, baseline]).encode())
                line.send_bytes(payload)
                if line.poll(self._deadline):
                    return _unpack(line)
            except (EOFError, OSError):
                fate = self._how_it_ended()
                self.close()
            else:
                self.close()
                raise PoisonError(
                    f"tried in isolation, it takes more than {self._deadline:g} s"
                )
        raise PoisonError(f"tried in isolation, it ends its process: {fate}")

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process and self._line:
            self._process.kill()
            self._process.wait()
            self._line.close()
            self._process = self._line = None

    def _start(self) -> Connection:
        here, there = socketpair()
        with there:
            # The thread that starts it must last: the process ends with it.
            own = [str(os.getpid()), str(there.fileno())]
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, *own, *self._arguments],
                env=without_secrets(),
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=Path(__file__).parents[2],
            )
        self._line = Connection(here.detach())
        with suppress(EOFError, OSError):
            if self._line.poll(_START) and self._line.recv_bytes() == _READY:
                return self._line
        self.close()
        log.warning("cannot try pictures in isolation: the process does not start")
        raise TrialError("the process does not start")

    def _how_it_ended(self) -> str:
        assert self._process  # noqa: S101 - for the type checker
        try:
            code = self._process.wait(_END)
        except subprocess.TimeoutExpired:
            return "it speaks no more"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def without_secrets() -> dict[str, str]:
    """The environment for code that looks at what may be an attack."""
    secret = [each.env for each in options.options_of(WorkerSettings) if each.secret]
    hidden = {*secret, *(f"{name}_FILE" for name in secret)}
    return {name: text for name, text in os.environ.items() if name not in hidden}


# Nothing is pickled: the process may have been taken over by what it looked at.


def _pack(line: Connection, analysis: Analysis) -> None:
    line.send_bytes(json.dumps(dataclasses.asdict(analysis.verdict)).encode())
    line.send_bytes(analysis.picture)


def _unpack(line: Connection) -> Analysis:
    said = json.loads(line.recv_bytes())
    if "refused" in said:
        raise RefusedError(said["refused"])
    said["status"] = Status(said["status"])
    for name, words in (("reason", Reason), ("view", View)):
        said[name] = said[name] and words(said[name])
    said["baseline"] = said["baseline"] and Baseline(*said["baseline"])
    return Analysis(Verdict(**said), line.recv_bytes())


def main(argv: list[str]) -> int:
    """Analyze what comes over the line until it ends."""
    from posture.vision.landmarks import Landmarker

    parent, descriptor, model, text = argv
    end_with_parent(int(parent))
    go_offline()
    rules = Rules.from_json(text)
    line = Connection(int(descriptor))
    landmarker = Landmarker(Path(model), people=rules.cameras.people)
    line.send_bytes(_READY)
    while True:
        try:
            pi, baseline = json.loads(line.recv_bytes())
            payload = line.recv_bytes()
        except EOFError:
            return 0
        try:
            known = baseline and Baseline(*baseline)
            _pack(line, analyze(payload, landmarker.find, rules, pi, known))
        except RefusedError as refusal:
            line.send_bytes(json.dumps({"refused": str(refusal)}).encode())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
