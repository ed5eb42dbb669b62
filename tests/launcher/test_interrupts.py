"""A signal ends a launch, also when Python throws its exception away."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common.processes import TAKE_OVER

ROOT = Path(__file__).parents[2]
HEAD = """
import os, signal, sys
from launcher.interrupts import Interrupted, Interrupts
interrupts = Interrupts()
interrupts.listen()
number = int(sys.argv[1])
"""
AT_ONCE = """
try:
    os.kill(os.getpid(), number)
except Interrupted as error:
    sys.exit(11 if error.taken_over else 10)
"""
WHILE_DESTROYING = """
class Destroyed:
    def __del__(self):
        os.kill(os.getpid(), number)
Destroyed()
assert interrupts.came.is_set()
try:
    interrupts.check()
except Interrupted as error:
    sys.exit(11 if error.taken_over else 10)
"""
TWICE = """
try:
    os.kill(os.getpid(), number)
except Interrupted:
    os.kill(os.getpid(), signal.SIGTERM)
"""


def run(code, number):
    command = [sys.executable, "-c", HEAD + code, str(int(number))]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize("code", [AT_ONCE, WHILE_DESTROYING])
@pytest.mark.parametrize(
    ("number", "wanted"),
    [(signal.SIGINT, 10), (signal.SIGTERM, 10), (signal.SIGHUP, 10), (TAKE_OVER, 11)],
)
def test_a_signal_is_never_lost(code, number, wanted):
    assert run(code, number) == wanted


def test_a_second_signal_ends_it_at_once():
    assert run(TWICE, signal.SIGINT) == -signal.SIGTERM
