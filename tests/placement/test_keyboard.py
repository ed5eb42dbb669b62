"""ESC or ENTER ends a run, in a real (pseudo) terminal."""

import fcntl
import io
import os
import pty
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest

from placement.keyboard import listening
from tests.fixtures.net import wait_until

ROOT = Path(__file__).parents[2]
PROGRAM = """
import threading
from placement.keyboard import listening
stop = threading.Event()
with listening(stop.set) as terminal:
    print("listening", terminal, flush=True)
    print("pressed", stop.wait(20 if terminal else 0), flush=True)
"""


class Terminal:
    """A program that runs in a terminal of its own."""

    def __init__(self):
        pid, self.master = pty.fork()
        if pid == 0:
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-c", PROGRAM])  # noqa: S606
        self.pid, self.shown = pid, b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        try:
            while piece := os.read(self.master, 1000):
                self.shown += piece
        except OSError:
            pass  # the other side is closed

    def press(self, keys):
        os.write(self.master, keys)

    def local_mode(self):
        return termios.tcgetattr(self.master)[3]

    def end(self):
        os.waitpid(self.pid, 0)
        self._reader.join(5)
        os.close(self.master)


@pytest.fixture
def terminal():
    running = Terminal()
    wait_until(lambda: b"listening True" in running.shown, "it listens")
    yield running
    if b"pressed" not in running.shown:
        running.press(b"\r")
    running.end()


@pytest.mark.parametrize("key", [b"\x1b", b"\r", b"\n"], ids=["ESC", "ENTER", "LF"])
def test_the_key_ends_the_run(terminal, key):
    terminal.press(key)
    wait_until(lambda: b"pressed True" in terminal.shown, "the run ends")


def test_other_keys_do_not(terminal):
    terminal.press(b"q\x1b[A\x1bOP ")
    terminal.press(b"x")
    with pytest.raises(AssertionError):
        wait_until(lambda: b"pressed" in terminal.shown, "it must not end", timeout=0.5)


def test_without_a_terminal_nothing_is_listened_to():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "listening False\npressed False\n"


def test_a_closed_input_is_no_terminal():
    stream = io.StringIO()
    stream.close()
    with listening(lambda: None, stream) as terminal:
        assert terminal is False


def test_the_terminal_is_as_before_at_the_end():
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    done = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdin=slave,
        stdout=subprocess.PIPE,
        # A session of its own, whose terminal this becomes.
        preexec_fn=lambda: (os.setsid(), _control(slave)),
    )
    with done.stdout as shown:
        assert shown.readline() == b"listening True\n"
        assert not termios.tcgetattr(slave)[3] & termios.ICANON
        os.write(master, b"\x1b")
        assert shown.readline() == b"pressed True\n"
        done.wait(10)
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def _control(descriptor):
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
