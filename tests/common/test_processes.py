"""Helper processes, real ones: recorded at once, ended by their record alone."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common import processes
from common.errors import OperatorError
from tests.fixtures.net import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); time.sleep(600)",
]


@pytest.fixture
def start(tmp_path):
    """Starts helpers; ends what a test leaves behind."""
    started = []

    def do(command):
        record = tmp_path / "helper.json"
        process = processes.start(record, command, tmp_path / "helper.log", os.environ)
        started.append(process)
        wait_until(lambda: processes.running(record), "the helper is recorded")
        return record, process

    yield do
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def test_a_helper_is_recorded_as_it_starts(start):
    record, process = start(SLEEP)
    written = processes.read_record(record)
    assert (written.pid, written.command) == (process.pid, SLEEP)
    assert processes.running(record) == process.pid


def test_a_helper_is_ended_and_its_record_removed(start):
    record, process = start(SLEEP)
    assert processes.end(record) == f"pid {process.pid} ended"
    assert processes.born(process.pid) is None
    assert not record.exists()


def test_ending_twice_does_nothing_the_second_time(start):
    record, _ = start(SLEEP)
    processes.end(record)
    assert processes.end(record) is None


def test_a_helper_that_does_not_listen_is_killed(start, tmp_path):
    record, process = start(STUBBORN)
    log = tmp_path / "helper.log"
    wait_until(lambda: "deaf" in log.read_text(), "it is deaf")
    assert "killed" in processes.end(record, grace=0.3)
    assert processes.born(process.pid) is None


def test_another_process_with_the_recorded_pid_is_left_alone(start, tmp_path):
    record, process = start(SLEEP)
    written = json.loads(record.read_text())
    record.write_text(json.dumps(written | {"born": written["born"] + "1"}))
    assert processes.running(record) is None
    assert "left alone" in processes.end(record)
    assert process.poll() is None
    assert not record.exists()


def test_a_zombie_counts_as_ended(start):
    record, process = start(SLEEP)
    process.kill()
    wait_until(lambda: processes.running(record) is None, "it is not running")


@pytest.mark.parametrize("text", ["", "12", "{}", '{"pid": 1}', "[1, 2]", "\x00"])
def test_a_file_that_is_no_record_ends_nothing(tmp_path, text):
    record = tmp_path / "helper.json"
    record.write_text(text)
    with pytest.raises(OperatorError, match=f"rm {record}"):
        processes.end(record)
    assert record.exists()


def test_a_helper_does_not_hold_the_lock_of_who_started_it(start, tmp_path):
    path = tmp_path / "lock"
    with processes.lock(path):
        start(SLEEP)
    with processes.lock(path):
        pass


def test_who_takes_over_finds_every_record(tmp_path):
    lock, record = tmp_path / "lock", tmp_path / "helper.json"
    with processes.lock(lock):
        helper = processes.start(record, SLEEP, tmp_path / "log", os.environ)
    try:
        with processes.taken_over(tmp_path / "launcher.json", lock):
            assert processes.running(record) == helper.pid
    finally:
        helper.kill()
        helper.wait()


KILLED = """
import os, signal, sys
from pathlib import Path
from common import processes
folder = Path(sys.argv[1])
def killed(path, command, pid):
    (folder / "pid").write_text(str(pid))
    os.kill(os.getpid(), signal.SIGKILL)
processes.write_record = killed
began = ["touch", str(folder / "began")]
processes.start(folder / "helper.json", began, folder / "log", os.environ)
"""


def test_without_a_record_it_never_begins(tmp_path):
    """A launcher may be killed the moment after it has started something."""
    launcher = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)])
    assert launcher.wait(30) == -signal.SIGKILL
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: processes.born(pid) is None, "it is gone")
    assert not (tmp_path / "began").exists()


def test_a_record_that_cannot_be_written_is_told_and_nothing_begins(tmp_path):
    (tmp_path / "file").touch()
    record, began = tmp_path / "file" / "helper.json", tmp_path / "began"
    with pytest.raises(OperatorError, match="cannot write"):
        processes.start(record, ["touch", str(began)], tmp_path / "log", os.environ)
    assert not began.exists()


def test_only_one_can_hold_the_lock(tmp_path):
    path = tmp_path / "lock"
    with (
        processes.lock(path),
        pytest.raises(BlockingIOError),
        processes.lock(path),
    ):
        pass


HOLDER = """
import signal, sys, time
from pathlib import Path
from common import processes
def leave(*_):
    sys.exit(7)
signal.signal(processes.TAKE_OVER, leave)
with processes.lock(Path(sys.argv[1])):
    processes.write_record(Path(sys.argv[2]), sys.argv)
    time.sleep(600)
"""


def test_a_launcher_lets_go_when_it_is_taken_over(tmp_path):
    lock, record = tmp_path / "lock", tmp_path / "launcher.json"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock), str(record)])
    wait_until(lambda: processes.running(record), "the holder is recorded")
    with processes.taken_over(record, lock):
        assert holder.wait(5) == 7


def test_a_launcher_that_does_not_let_go_is_named(tmp_path):
    lock, record = tmp_path / "lock", tmp_path / "launcher.json"
    with (
        processes.lock(lock),
        pytest.raises(OperatorError, match="does not let go"),
        processes.taken_over(record, lock, within=0.3),
    ):
        pass


def test_a_process_of_another_command_is_left_alone(start):
    record, process = start(SLEEP)
    written = json.loads(record.read_text())
    foreign = {"command": ["sshd", "-D"], "written_by": ["sshd", "-D"]}
    record.write_text(json.dumps(written | foreign))
    assert processes.running(record) is None
    assert "left alone" in processes.end(record)
    assert process.poll() is None


def test_a_record_in_a_folder_that_others_may_write_to_ends_nothing(start, tmp_path):
    record, process = start(SLEEP)
    tmp_path.chmod(0o777)
    with pytest.raises(OperatorError, match="others may write to it"):
        processes.end(record)
    tmp_path.chmod(0o700)
    record.chmod(0o620)
    with pytest.raises(OperatorError, match="others may write to it"):
        processes.end(record)
    record.chmod(0o600)
    assert process.poll() is None
    assert processes.end(record) == f"pid {process.pid} ended"


def test_a_record_behind_a_link_ends_nothing(start, tmp_path):
    record, process = start(SLEEP)
    planted = tmp_path / "planted.json"
    planted.symlink_to(record)
    with pytest.raises(OperatorError, match="is not believed"):
        processes.end(planted)
    (tmp_path / "run").symlink_to(tmp_path)
    with pytest.raises(OperatorError, match="is not believed"):
        processes.end(tmp_path / "run" / "helper.json")
    assert process.poll() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_record_of_another_user_ends_nothing(start, tmp_path):
    record, process = start(SLEEP)
    os.chown(record, 65534, 65534)
    with pytest.raises(OperatorError, match="it is of user 65534"):
        processes.end(record)
    assert process.poll() is None


def test_a_log_that_is_a_link_is_not_added_to(tmp_path):
    target = tmp_path / "target"
    target.write_text("as before")
    (tmp_path / "helper.log").symlink_to(target)
    with pytest.raises(OperatorError, match="is not believed"):
        processes.start(
            tmp_path / "helper.json", SLEEP, tmp_path / "helper.log", os.environ
        )
    assert target.read_text() == "as before"


def test_packages_in_the_callers_folder_are_not_run(start, tmp_path, monkeypatch):
    planted = tmp_path / "common"
    planted.mkdir()
    (planted / "__init__.py").write_text("raise SystemExit('planted')")
    monkeypatch.chdir(tmp_path)
    record, process = start(SLEEP)
    assert processes.running(record) == process.pid
    assert Path(f"/proc/{process.pid}/cwd").readlink() == processes.ROOT
    assert "planted" not in (tmp_path / "helper.log").read_text()
