"""What a run leaves behind is believed only where nobody else could have put it."""

import json
import os
import subprocess
import sys

import pytest

from common import processes
from common.errors import OperatorError
from launcher.helpers import with_absolute_paths
from launcher.run_dir import Trace
from launcher.settings import TraceSettings
from tests.fixtures.scripts import ROOT, run_script
from tests.fixtures.settings import read_settings


@pytest.fixture
def trace(tmp_path):
    made = Trace(read_settings(TraceSettings, folder=str(tmp_path / "run")))
    made.folder.mkdir(mode=0o700)
    return made


def test_where_a_run_went_is_remembered(trace):
    trace.remember({"NAMESPACE": "posture"})
    assert trace.remembered() == {"NAMESPACE": "posture"}


def test_a_planted_target_is_not_believed(trace, tmp_path):
    trace.remember({"KUBECONFIG": "/planted"})
    trace.folder.chmod(0o777)
    with pytest.raises(OperatorError, match="others may write to it"):
        trace.remembered()
    trace.folder.chmod(0o700)
    target = trace.folder / "target.json"
    target.rename(tmp_path / "elsewhere")
    target.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OperatorError, match="is not believed"):
        trace.remembered()


def test_a_stop_in_a_planted_folder_does_nothing_and_says_why(trace, tmp_path):
    """The exec plugin of a planted kubeconfig would run as whoever calls stop.py."""
    proof = tmp_path / "proof"
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [
            {
                "name": "u",
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1",
                        "command": "touch",
                        "args": [str(proof)],
                        "interactiveMode": "Never",
                    }
                },
            }
        ],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(json.dumps(kubeconfig))
    trace.remember({"KUBECONFIG": str(tmp_path / "config")})
    trace.folder.chmod(0o777)
    done = run_script("stop.py", folder=tmp_path)
    assert done.returncode == 1
    assert "is not believed: others may write to it" in done.stdout + done.stderr
    assert not proof.exists()


def test_a_record_of_a_process_that_no_launcher_starts_ends_nothing(trace):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as foreign:
        record = {
            "pid": foreign.pid,
            "born": processes.born(foreign.pid),
            "command": [sys.executable, "-c", "input()"],
        }
        for name in ("launcher", "keeper", "watcher", "scaler"):
            trace.record(name).write_text(json.dumps(record))
            with pytest.raises(OperatorError, match="never started as"):
                trace.check_record(name)
        assert foreign.poll() is None
        foreign.kill()


def test_the_commands_that_a_launcher_starts_are_known(trace):
    for name, command in {
        "launcher": [sys.executable, str(ROOT / "build_and_push.py"), "--yes"],
        "keeper": [sys.executable, "-m", "launcher.supervisor", str(trace.folder)],
        "watcher": [sys.executable, str(ROOT / "gpu_affinity_watcher.py")],
        "scaler": [sys.executable, str(ROOT / "cpu_monitor_and_offload.py")],
    }.items():
        processes.write_record(trace.record(name), command)
        trace.check_record(name)


def test_paths_mean_the_same_in_another_folder(tmp_path):
    given = {
        "KUBECONFIG": f"a{os.pathsep}/b{os.pathsep}~/c",
        "PROMETHEUS_CA_FILE": "ca.pem",
        "MQTT_PASSWORD_FILE": "/etc/secret",
        "LAST_NODE_FILE": "",
        "MODEL": "full",
    }
    assert with_absolute_paths(given, tmp_path) == {
        "KUBECONFIG": f"{tmp_path}/a{os.pathsep}/b{os.pathsep}~/c",
        "PROMETHEUS_CA_FILE": f"{tmp_path}/ca.pem",
        "MQTT_PASSWORD_FILE": "/etc/secret",
        "LAST_NODE_FILE": "",
        "MODEL": "full",
    }
