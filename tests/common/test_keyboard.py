"""ESC or ENTER ends a run, in a real (pseudo) terminal."""

import io
import subprocess
import sys
import termios

import pytest

from common.keyboard import listening
from tests.fixtures.net import wait_until
from tests.fixtures.terminal import Terminal
from tests.fixtures.worker import ROOT

PROGRAM = """
import threading
from common.keyboard import listening
stop = threading.Event()
with listening(stop.set) as terminal:
    print("listening", terminal, flush=True)
    print("pressed", stop.wait(20 if terminal else 0), flush=True)
print("over", flush=True)
"""


@pytest.fixture
def terminal():
    running = Terminal("-c", PROGRAM)
    running.wait_for(b"listening True")
    yield running
    if running.process.poll() is None:
        running.press(b"\r")
    running.close()


@pytest.mark.parametrize("key", [b"\x1b", b"\r", b"\n"], ids=["ESC", "ENTER", "LF"])
def test_the_key_ends_the_run(terminal, key):
    terminal.press(key)
    terminal.wait_for(b"pressed True")


def test_other_keys_do_not(terminal):
    terminal.press(b"q\x1b[A\x1bOP ")
    terminal.press(b"x")
    with pytest.raises(AssertionError):
        wait_until(lambda: b"pressed" in terminal.shown, "it must not end", timeout=0.5)


def test_the_terminal_is_as_before_at_the_end(terminal):
    assert not terminal.modes()[3] & termios.ICANON
    terminal.press(b"\x1b")
    terminal.wait_for(b"over")
    assert terminal.modes() == terminal.before


def test_without_a_terminal_nothing_is_listened_to():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "listening False\npressed False\nover\n"


def test_a_closed_input_is_no_terminal():
    stream = io.StringIO()
    stream.close()
    with listening(lambda: None, stream) as terminal:
        assert terminal is False
