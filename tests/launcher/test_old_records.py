"""A stop.py that is newer than what runs: helpers of the release before are ended."""

import json
import subprocess
import sys
import threading

import pytest

from common.processes import born
from tests.fixtures.scripts import run_script

KEEPER = [sys.executable, "-m", "placement.keeper", "run", "watcher=w.py"]


@pytest.fixture
def helper(tmp_path):
    """The keeper of a release before, as far as can be seen of it."""
    package = tmp_path / "old" / "placement"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "keeper.py").write_text("import time; time.sleep(600)")
    process = subprocess.Popen(KEEPER, cwd=package.parent)
    # So that its number is free once it has ended, as that of nobody's child is.
    reaper = threading.Thread(target=process.wait)
    reaper.start()
    yield process
    process.kill()
    reaper.join()


def test_helpers_of_the_release_before_are_ended_by_their_records(tmp_path, helper):
    # As placement/processes.py wrote them, whose keeper was placement.keeper.
    record = {
        "pid": helper.pid,
        "born": born(helper.pid),
        "command": KEEPER,
    }
    run = tmp_path / "run"
    run.mkdir()
    (run / "keeper.json").write_text(json.dumps(record))
    target = {"KUBECONFIG": "/nowhere", "SCALEDJOB": "posture-analyzer-scaledjob"}
    (run / "target.json").write_text(json.dumps(target, indent=1))
    done = run_script("stop.py", folder=tmp_path)
    assert helper.wait(10) != 0
    assert f"keeper pid {helper.pid} ended" in done.stdout
    assert not (run / "keeper.json").exists()
    # The cluster of target.json is not there, and that is said.
    assert done.returncode == 1
    assert "no cluster" in done.stdout


def test_a_record_that_is_none_ends_nothing_and_is_named(tmp_path, helper):
    run = tmp_path / "run"
    run.mkdir()
    (run / "watcher.json").write_text(json.dumps({"pid": helper.pid}))
    done = run_script("stop.py", folder=tmp_path, KUBECONFIG="/nowhere")
    assert "watcher.json is no record of a process" in done.stdout
    assert helper.poll() is None
