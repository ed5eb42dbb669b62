"""What the brokers under test have in common: a process on a port of loopback."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tests.fixtures.net import accepts, free_port, wait_until
from tests.fixtures.reaper import ends_with_us

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
_PATIENCE = 180.0  # seconds that a start may take on a machine with much else to do


class MissingError(Exception):
    """This broker cannot be had here; the text says why."""


class Server:
    """One broker, in a folder of its own that survives its restarts."""

    name = ""
    version = ""
    mqtt = "5"
    """The newest version of MQTT that it speaks."""
    keeps = True
    """It keeps what comes for an absent worker; else the probe says so."""
    on_disk = True
    """It does so over its own restart; else the worker says so."""
    late = 0
    """Seconds until what was not acknowledged comes again; 0: at once, by no timer."""
    verdict = "the same number, with a mark"
    """What the probe says of it, in part."""
    settings: ClassVar[dict[str, str]] = {}
    """What the worker is to be told for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @classmethod
    def prepare(cls) -> None:
        """Bring what it needs into the cache.

        Raises:
            MissingError: that is not possible here.
        """

    def command(self) -> Sequence[str]:
        """How it is started in the foreground."""
        raise NotImplementedError

    @property
    def environ(self) -> dict[str, str]:
        """The settings of a worker that lead here."""
        here = {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": str(self.port)}
        return here | {"MQTT_VERSION": self.mqtt} | self.settings

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        running = self._process
        ends_with_us(running.pid)
        wait_until(
            lambda: accepts(self.port) or running.poll() is not None,
            f"{self.name} listens",
            _PATIENCE,
            0.1,
        )
        assert running.poll() is None, self.log

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it and what it has started."""
        running, self._process = self._process, None
        if running and running.poll() is None:
            os.killpg(running.pid, number)
            running.wait(60)

    def clear(self) -> None:
        """Remove what is not in its folder."""

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")


@contextmanager
def running(kind: type[Server], folder: Path) -> Iterator[Server]:
    """A started broker, which is stopped at the end."""
    server = kind(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGKILL)
        server.clear()


def cached(name: str) -> Path:
    """A folder of the cache, outside the clone."""
    folder = CACHE / "posture-brokers" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def bring(command: Sequence[str], folder: Path, what: str) -> None:
    """Run a package manager once in `folder`; a second call does nothing.

    Raises:
        MissingError: it is not installed, or could not fetch the package.
    """
    done = folder / ".done"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run side by side
        if not done.exists():
            _run(command, folder, what)
            done.touch()


def _run(command: Sequence[str], folder: Path, what: str) -> None:
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(f"{what}: {error}") from error
    if ran.returncode:
        said = (ran.stdout + ran.stderr).decode(errors="replace").strip()
        raise MissingError(f"{what}: {said[-300:]}")
