"""The keeper: helpers that end are started again, with patience that ends too."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common import processes
from launcher.supervisor import Patience
from tests.fixtures.net import wait_until

ROOT = Path(__file__).parents[2]


def test_pauses_double_and_then_it_is_given_up():
    patience = Patience(limit=4)
    assert [patience.pause_after(now) for now in range(5)] == [1, 2, 4, 8, None]


def test_ends_long_ago_are_forgotten():
    patience = Patience(limit=1, window=10)
    assert patience.pause_after(0) == 1
    assert patience.pause_after(11) == 1
    assert patience.pause_after(12) is None


@pytest.fixture
def keep(tmp_path):
    """Starts a keeper of one helper with this code; ends it."""
    keepers = []

    def do(code):
        script = tmp_path / "helper.py"
        script.write_text(code)
        with (tmp_path / "keeper.log").open("ab") as log:
            keeper = subprocess.Popen(
                [
                    *(sys.executable, "-m", "launcher.supervisor"),
                    *(str(tmp_path), f"helper={script}"),
                ],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stderr=log,
            )
        keepers.append(keeper)
        return keeper

    yield do
    for keeper in keepers:
        keeper.terminate()
        keeper.wait(10)


def says(tmp_path, words):
    log = tmp_path / "keeper.log"
    wait_until(lambda: words in log.read_text(), f"the keeper says {words!r}")


def test_a_helper_that_is_killed_is_started_again(tmp_path, keep):
    keep("import time; time.sleep(600)")
    record = tmp_path / "helper.json"
    wait_until(lambda: processes.running(record), "the helper runs")
    first = processes.running(record)
    os.kill(first, signal.SIGKILL)
    says(tmp_path, "starting it again in 1 s")
    wait_until(lambda: processes.running(record) not in (None, first), "it runs again")


def test_a_helper_with_wrong_settings_is_not_started_again(tmp_path, keep):
    keep("import sys; sys.exit('no such setting' and 2)")
    says(tmp_path, "exit code 2 and is not started again")


def test_a_helper_that_cannot_be_recorded_is_tried_again(tmp_path, keep):
    record = tmp_path / "helper.json"
    record.mkdir()
    keep("import time; time.sleep(600)")
    says(tmp_path, "helper cannot be started: cannot write")
    record.rmdir()
    wait_until(lambda: processes.running(record), "the helper runs")


def test_the_keeper_ends_its_helpers(tmp_path, keep):
    keeper = keep("import time; time.sleep(600)")
    record = tmp_path / "helper.json"
    wait_until(lambda: processes.running(record), "the helper runs")
    pid = processes.running(record)
    keeper.terminate()
    assert keeper.wait(10) == 0
    assert processes.born(pid) is None
    assert not record.exists()
