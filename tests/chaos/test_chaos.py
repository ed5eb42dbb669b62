"""`make chaos`, each fault once and short."""

import os
import signal
import sys

import psutil
import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.plan import draw, longest_for
from tests.fixtures.make import make
from tests.fixtures.net import wait_until
from tests.fixtures.scripts import ROOT, Started

SMALL = "--rate 3 --few-people"
SHORT = f"{SMALL} --workers 2 --longest 2 --burst 50"


def test_every_acknowledged_picture_has_one_row_and_one_file_whatever_fails():
    done = make("chaos", "SECONDS=0", "SEED=3", f"ARGS={SHORT}")

    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert done.stdout.endswith("nothing lost, nothing twice\n")
    impossible = "cannot be made on this machine: "
    missing = [fault for fault in FAULTS if f" s  {fault} " not in done.stdout]
    assert all(impossible + fault in done.stderr for fault in missing)
    if missing:
        pytest.skip(f"all but what {impossible}{', '.join(missing)}")


def test_a_signal_ends_all_that_was_started_also_one_that_comes_twice():
    command = [sys.executable, "-W", "ignore", "-m", "tests.chaos", "--only"]
    run = Started([*command, "worker killed", *SMALL.split()], ROOT, dict(os.environ))
    run.wait_for("worker killed", 120)
    started = psutil.Process(run.process.pid).children(recursive=True)
    for _ in range(2):
        run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(60) == 128 + signal.SIGTERM
    assert len(started) > 3
    wait_until(lambda: not any(map(psutil.Process.is_running, started)), "the end")


def test_a_plan_is_the_same_for_a_seed_and_has_every_fault():
    plan = draw(7, 600, list(FAULTS), workers=2, longest=30)
    assert plan == draw(7, 600, list(FAULTS), workers=2, longest=30)
    assert plan != draw(8, 600, list(FAULTS), workers=2, longest=30)
    assert {step.fault for step in plan} == set(FAULTS)
    assert all(10 <= step.hold <= 30 for step in plan)


def test_a_short_run_has_short_faults_so_that_all_fit():
    assert longest_for(60, 28) == 2
    assert 20 < longest_for(600, 28) < 30
    assert longest_for(6000, 28) == longest_for(60, 1) == 30
