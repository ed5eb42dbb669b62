"""The scaler script as a process: its start, its ends, and what it says."""

import os
import signal
import subprocess
import sys

import grpc
import pytest
import urllib3
from grpc_health.v1 import health_pb2, health_pb2_grpc

import externalscaler_pb2 as pb
from externalscaler_pb2_grpc import ExternalScalerStub
from tests.fixtures.net import accepts, free_port, wait_until
from tests.fixtures.scaling import SETTINGS, ScalerProcess
from tests.fixtures.terminal import Terminal
from tests.fixtures.tls import Authority
from tests.fixtures.worker import ROOT

KUBECONFIG = """
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


@pytest.fixture
def environ(tmp_path):
    """Settings for a scaler that reaches neither cluster, Prometheus nor broker."""
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG)
    nowhere = {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": "1"}
    nowhere |= {"PROMETHEUS_URL": "http://127.0.0.1:1", "KUBECONFIG": str(path)}
    return SETTINGS | nowhere | {"SCALER_PORT": str(free_port())}


@pytest.fixture
def start(tmp_path, environ):
    """Starts the script; ends it if the test has not."""
    started = []

    def run(*flags, **changes):
        settings = environ | changes
        process = ScalerProcess(tmp_path, settings, *flags)
        started.append(process)
        port = int(settings["SCALER_PORT"])
        wait_until(
            lambda: accepts(port) or process.process.poll() is not None, "it listens"
        )
        return process, port

    yield run
    for each in started:
        each.end()


def refusal(channel):
    with pytest.raises(grpc.RpcError) as caught:
        ExternalScalerStub(channel).IsActive(pb.ScaledObjectRef(), timeout=10)
    return caught.value.code(), caught.value.details()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_gently(start, number):
    process, port = start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        code, words = refusal(channel)
        assert code is grpc.StatusCode.UNAVAILABLE
        assert "ScaledJob and Jobs: no reading yet" in words
        process.signal(number)
        assert process.wait() == 0
    assert "Traceback" not in process.log


def test_with_everything_away_it_lives_but_is_not_ready(start):
    process, port = start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        assert ExternalScalerStub(channel).GetMetricSpec(pb.ScaledObjectRef())

        def status(service):
            return stub.Check(health_pb2.HealthCheckRequest(service=service)).status

        wait_until(lambda: status("readiness") == 2, "it is not ready")
        assert status("liveness") == 1
    assert process.process.poll() is None


@pytest.mark.parametrize("key", [b"\x1b", b"\r"], ids=["ESC", "ENTER"])
def test_a_key_in_a_terminal_ends_it(environ, key):
    terminal = Terminal("cpu_monitor_and_offload.py", environ=environ)
    terminal.wait_for(b"ESC or ENTER ends it")
    terminal.press(key)
    assert terminal.close() == 0
    assert b"stopping" in terminal.shown


def test_a_taken_port_is_said(start):
    _, port = start()
    second, _ = start()
    assert second.wait() == 1
    assert f"cannot listen on 127.0.0.1:{port}; is another scaler" in second.log


def test_all_wrong_settings_are_said_at_once():
    environ = {"PATH": os.environ["PATH"], "GPU_THRESHOLD": "101", "WORKERS": "none"}
    environ |= {"MQTT_TOPIC": "images/#/x", "BACKLOG_TOPIC": "backlog/+"}
    done = subprocess.run(
        [sys.executable, ROOT / "cpu_monitor_and_offload.py", "--threshold", "NaN"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    for name in ("CPU_THRESHOLD", *environ.keys() - {"PATH"}):
        assert name in done.stderr


def test_metrics_are_served(start):
    metrics = free_port()
    _, port = start(SCALER_METRICS_PORT=str(metrics))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        refusal(channel)
    address = f"http://127.0.0.1:{metrics}/metrics"

    def told() -> str:
        return urllib3.request("GET", address, retries=False).data.decode()

    age = 'posture_scaler_reading_age_seconds{reading="loads"}'
    wait_until(lambda: age in told(), "loads have been asked for")
    text = told()
    assert 'posture_scaler_calls_total{method="IsActive"} 1.0' in text
    assert 'posture_scaler_reason{reason="unknown"} 1.0' in text
    assert "posture_scaler_wanted_jobs NaN" in text
    health = urllib3.request(
        "GET", f"http://127.0.0.1:{metrics}/healthz", retries=False
    )
    assert health.status == 503
    assert b"ScaledJob and Jobs: no reading yet" in health.data


def test_tls_is_served(start, tmp_path):
    authority = Authority(tmp_path / "ca")
    certificate, key = authority.issue("server")
    _, port = start("--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    roots = grpc.ssl_channel_credentials(authority.certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{port}", roots) as channel:
        assert "no reading yet" in refusal(channel)[1]
