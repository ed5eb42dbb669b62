"""A daemon can be stopped gently from the first moment that it answers anybody.

To install a handler takes a second here: a daemon that served first would be asked, and
ended by the signal, within that second.
"""

import os
import signal
import subprocess
import sys

import pytest
import yaml

from tests.fixtures.net import accepts, free_port, wait_until
from tests.fixtures.scripts import ROOT

SLOW_HANDLERS = """
import signal
import time

install = signal.signal


def signal_(number, handler):
    if number == signal.SIGTERM:
        time.sleep(1)
    return install(number, handler)


signal.signal = signal_
"""
NOBODY = {
    "SUPABASE_HOST": "127.0.0.1",
    "SUPABASE_PORT": "1",
    "SUPABASE_DB": "none",
    "SUPABASE_USER": "none",
    "SUPABASE_PASSWORD": "none",
    "MQTT_HOST": "127.0.0.1",
    "MQTT_PORT": "1",
    "PROMETHEUS_URL": "http://127.0.0.1:1",
}


@pytest.mark.parametrize(
    ("script", "port_setting", "more"),
    [
        ("cpu_monitor_and_offload.py", "SCALER_PORT", {"SCALER_METRICS_PORT": "0"}),
        ("cpu_monitor_and_offload.py", "SCALER_METRICS_PORT", {}),
        ("gpu_affinity_watcher.py", "WATCHER_PORT", {}),
        ("live_page.py", "PAGE_PORT", {}),
        ("mqtt_posture_analyzer_with_db.py", "METRICS_PORT", {"MODEL": "lite"}),
    ],
)
def test_who_is_answered_may_stop_it(tmp_path, script, port_setting, more):
    (tmp_path / "sitecustomize.py").write_text(SLOW_HANDLERS)
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(tmp_path),
        "KUBECONFIG": kubeconfig(tmp_path),
        "MODELS_FOLDER": str(ROOT / "models"),
        "SCALER_PORT": str(free_port()),
        **NOBODY,
        **more,
        port_setting: str(port),
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, ROOT / script], cwd=tmp_path, env=environ, stderr=log
        )
    said = (tmp_path / "log").read_text
    try:
        wait_until(
            lambda: accepts(port) or process.poll() is not None, "it answers", 60
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, said()
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in said()


def kubeconfig(folder):
    path = folder / "kubeconfig"
    cluster = {"server": "http://127.0.0.1:1"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "none", "cluster": cluster}],
        "users": [{"name": "none", "user": {}}],
        "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
        "current-context": "none",
    }
    path.write_text(yaml.safe_dump(config))
    return str(path)
