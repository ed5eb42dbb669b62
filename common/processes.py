"""Helper processes: each is recorded before it runs, and ended by that record alone.

A record has the pid and the moment the process was born. A pid alone is not enough to
end something: the kernel gives it to another process sooner or later.
"""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import psutil

from common import private
from common.errors import OperatorError
from common.files import write_text

TAKE_OVER = signal.SIGUSR1
"""Tells a launcher that stop.py takes over: to end, and leave the rest to it."""

ROOT = Path(__file__).resolve().parents[1]
"""The folder with the scripts and packages."""

_GRACE = 5.0  # seconds between SIGTERM and SIGKILL
# A shell that becomes the command once a line has come; if none comes, it just ends.
_ONCE_RECORDED = ("/bin/sh", "-c", 'read -r line && exec "$@" </dev/null', "sh")


@dataclass(frozen=True)
class Record:
    """Which process it is: `born` tells it from a later one with the same pid."""

    pid: int
    born: str
    command: list[str]
    """What it becomes, or is."""

    written_by: list[str] = field(default_factory=list)
    """Its command line as this was written."""


def born(pid: int) -> str | None:
    """The moment the process was born, None if there is none (or only a zombie).

    On Linux in clock ticks since this boot, which no change of the clock moves.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        boot = Path("/proc/sys/kernel/random/boot_id")
        if not boot.exists():
            return str(process.create_time())
        # Field 22 of stat(5); the name in field 2 may hold spaces and brackets.
        stat = Path(f"/proc/{pid}/stat").read_text()
        return f"{boot.read_text().strip()}/{stat.rpartition(')')[2].split()[19]}"
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return None


def record_of(pid: int, command: Sequence[str]) -> Record:
    """The record of a process that runs."""
    try:
        said = _command_line(psutil.Process(pid))
    except psutil.Error:  # it has ended
        said = []
    return Record(pid, born(pid) or "", list(command), said)


def is_running(record: Record) -> bool:
    """Whether the process still runs that the record is of, and is this user's."""
    if born(record.pid) != record.born:
        return False
    try:
        process = psutil.Process(record.pid)
        known = _command_line(process) in (record.command, record.written_by)
        return known and process.uids().effective == os.geteuid()
    except psutil.Error:
        return False


def _command_line(process: psutil.Process) -> list[str]:
    """Empty only for who has none: while it becomes another, one has none either."""
    for _ in range(50):
        if said := process.cmdline():
            return list(said)
        time.sleep(0.02)
    return []


def write_record(path: Path, command: Sequence[str], pid: int | None = None) -> None:
    """Record a process at `path`, whole or not at all; this one if no other is named.

    Raises:
        OperatorError: it cannot be written.
    """
    record = record_of(pid or os.getpid(), command)
    write_text(path, json.dumps(asdict(record)))


def read_record(path: Path) -> Record | None:
    """The record at `path`, None if there is none.

    Raises:
        OperatorError: the file is not a record, or others may have written it.
    """
    try:
        text = private.read_text(path)
        return None if text is None else _record(json.loads(text))
    except (ValueError, TypeError) as error:
        raise OperatorError(
            f"{path} is no record of a process ({error}): nothing is ended for it; "
            f"look, then remove it: rm {path}"
        ) from error


def _record(found: dict[str, Any]) -> Record:
    record = Record(**found)
    if not (
        isinstance(record.pid, int)
        and isinstance(record.born, str)
        and _are_words(record.command)
        and _are_words(record.written_by)
    ):
        raise TypeError("a pid, a moment and a command")
    return record


def _are_words(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def running(path: Path) -> int | None:
    """The pid of the recorded process while it runs, else None."""
    record = read_record(path)
    return record.pid if record and is_running(record) else None


def start(
    record: Path, command: Sequence[str], log: Path, environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start `command` once its `record` is written, with its output added to `log`.

    There is no moment at which it runs without a record: if this process is killed
    here, it never begins. It is in a session of its own, so a terminal's Ctrl-C does
    not reach it, and in the project's folder: Python looks for packages in the current
    one first, and that may be anybody's.

    Raises:
        OperatorError: the record cannot be written, or the log or its folder is not
            this user's alone.
    """
    private.make_folder(log.parent)
    with os.fdopen(private.append_to(log), "ab") as output:
        process = subprocess.Popen(
            [*_ONCE_RECORDED, *command],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environ),
            start_new_session=True,
            bufsize=0,
        )
    try:
        with cast("IO[bytes]", process.stdin) as waited_for:
            write_record(record, command, process.pid)
            with contextlib.suppress(BrokenPipeError):  # somebody has ended it
                waited_for.write(b"recorded\n")
    except OperatorError:
        process.wait()
        raise
    return process


def end(path: Path, grace: float = _GRACE) -> str | None:
    """End the recorded process and remove its record; says what was done, if anything.

    Raises:
        OperatorError: the file is not a record, or the process is not ours to end.
    """
    record = read_record(path)
    if record is None:
        return None
    said = end_recorded(record, grace)
    path.unlink(missing_ok=True)
    return said


def end_recorded(record: Record, grace: float) -> str:
    """End a recorded process, by force after `grace` seconds; says what was done.

    Raises:
        OperatorError: the process is not ours to end.
    """
    try:
        # psutil itself makes sure that the process is still the one it looked at here.
        process = psutil.Process(record.pid)
        if not is_running(record):
            return f"ended before; pid {record.pid} is another process now, left alone"
        process.terminate()
        try:
            process.wait(grace)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(grace)
            return f"pid {record.pid} killed: it did not end within {grace:g} s"
    except psutil.NoSuchProcess:
        return f"pid {record.pid} had ended before"
    except (psutil.AccessDenied, psutil.TimeoutExpired) as error:
        raise OperatorError(
            f"cannot end pid {record.pid} ({' '.join(record.command)}): {error}; "
            f"as its owner or root: kill {record.pid}"
        ) from error
    return f"pid {record.pid} ended"


@contextlib.contextmanager
def lock(path: Path) -> Iterator[int]:
    """Hold the lock at `path`; gives its descriptor.

    Raises:
        BlockingIOError: another process holds it.
    """
    private.make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def taken_over(launcher: Path, at: Path, within: float = 10.0) -> Iterator[None]:
    """Hold the lock `at`; a launcher that holds it is asked to let go.

    Whoever holds it next knows that every helper that was started has its record.

    Raises:
        OperatorError: it does not let go within some seconds.
    """
    until = time.monotonic() + within
    asked = False
    with contextlib.ExitStack() as held:
        while not _try(held, at):
            pid = running(launcher)
            if time.monotonic() > until:
                raise OperatorError(
                    f"the launcher, pid {pid}, does not let go of {at}: kill {pid}"
                )
            if pid and not asked:
                os.kill(pid, TAKE_OVER)
                asked = True
            time.sleep(0.1)
        yield


def _try(held: contextlib.ExitStack, at: Path) -> bool:
    try:
        held.enter_context(lock(at))
    except BlockingIOError:
        return False
    return True
