"""A stop that is asked for in the middle of anything."""

import subprocess
import sys
import threading

from common.signals import Stop
from tests.fixtures.worker import ROOT

# With threading.Event in place of Stop this ends in a deadlock within seconds.
MANY_SIGNALS = """
import random, signal
from common.signals import Stop
stop = Stop()
signal.signal(signal.SIGALRM, lambda *_: stop.set())
for _ in range(20_000):
    stop = Stop()
    signal.setitimer(signal.ITIMER_REAL, random.uniform(20e-6, 200e-6))
    while not stop.wait(1e-5):
        pass
print("all came")
"""


def run(program):
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_signal_may_ask_at_any_moment():
    done = run(MANY_SIGNALS)
    assert (done.stdout, done.stderr) == ("all came\n", "")


def test_everyone_who_waits_is_woken_and_it_stays_asked_for():
    stop, woken = Stop(), []
    assert stop.wait(0) is False
    threads = [
        threading.Thread(target=lambda: woken.append(stop.wait(60))) for _ in range(5)
    ]
    for each in threads:
        each.start()

    stop.set()
    for each in threads:
        each.join(10)

    assert woken == [True] * 5
    assert stop.is_set()
    assert stop.wait() is True


def test_a_second_signal_ends_the_process_at_once():
    program = (
        "import os, signal, time\n"
        "from common.signals import Stop, on_stop_signals\n"
        "stop = Stop()\n"
        "on_stop_signals(stop.set)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "assert stop.wait(10)\n"
        "print('asked', flush=True)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(10)\n"
    )
    done = run(program)
    assert (done.returncode, done.stdout) == (-15, "asked\n")
