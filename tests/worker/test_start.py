"""How the worker script answers to its settings and surroundings."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from common import options
from posture.settings import WorkerSettings
from tests.fixtures.net import wait_until
from tests.fixtures.worker import ROOT, SCRIPT


def run(*flags: str, cwd: Path | None = None, **environ: str):
    """Run the script to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / SCRIPT), *flags],
        env={"PATH": os.environ["PATH"]} | environ,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


DATABASE = {
    "SUPABASE_HOST": "127.0.0.1",
    "SUPABASE_DB": "d",
    "SUPABASE_USER": "u",
    "SUPABASE_PASSWORD": "p",
}


def test_help_names_the_flag_and_the_variable_of_every_setting():
    done = run("--help-all")
    assert done.returncode == 0
    for each in options.options_of(WorkerSettings):
        assert each.flag in done.stdout
        assert each.env in done.stdout


def test_all_missing_and_wrong_settings_are_named_at_once():
    done = run("--model", "huge", "--broker-port", "99999", SUPABASE_HOST="db")
    assert done.returncode == 2
    for name in ("SUPABASE_DB", "SUPABASE_USER", "SUPABASE_PASSWORD"):
        assert f"{name} (" in done.stderr
    assert "'huge': expected one of lite, full, heavy" in done.stderr
    assert "'99999': expected a whole number from 1 to 65535" in done.stderr
    assert "SUPABASE_HOST" not in done.stderr


def test_a_missing_model_is_said_with_the_command_that_brings_it(tmp_path):
    done = run(cwd=tmp_path, MODELS_FOLDER="elsewhere", **DATABASE)
    assert done.returncode == 1
    assert "pose_landmarker_full.task" in done.stderr
    assert "python -m posture.models full" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pictures_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    environ = DATABASE | {"MODELS_FOLDER": str(ROOT / "models"), "MODEL": "lite"}
    done = run("--pictures-folder", "file/below", cwd=tmp_path, **environ)
    assert done.returncode == 1
    assert "cannot write into file/below" in done.stderr


def test_an_idle_stop_before_the_broker_was_ever_reached_does_not_happen(start_worker):
    # A worker that cannot reach the broker has not been idle: it knows nothing yet.
    worker = start_worker("--exit-when-idle", "0.5", ready=False, MQTT_PORT="1")
    worker.wait_for("cannot reach the broker at 127.0.0.1:1")
    assert worker.process.poll() is None
    assert worker.stop() == 0


def threads_by_cores(worker):
    """How many threads of a process may use just these cores."""
    tasks = Path(f"/proc/{worker.process.pid}/task").iterdir()
    return Counter(frozenset(os.sched_getaffinity(int(each.name))) for each in tasks)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="there is but one core")
@pytest.mark.parametrize("more", [1 - len(os.sched_getaffinity(0)), 0, 1])
def test_analysts_share_a_core_with_their_landmarker_and_the_rest_is_free(
    start_worker, more
):
    cores = os.sched_getaffinity(0)
    worker = start_worker(THREADS=str(len(cores) + more))
    own = {frozenset({core}) for core in cores}

    def settled():
        threads = threads_by_cores(worker)
        pinned = own & set(threads)
        # On each core there are an analyst and MediaPipe's threads for it.
        return (
            set(threads) <= own | {frozenset(cores)}
            and len(pinned) == min(len(cores), len(cores) + more)
            and min(threads[each] for each in pinned) > len(cores)
        )

    wait_until(settled, "the analysts are on their cores")
