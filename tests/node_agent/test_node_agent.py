"""`python -m node_agent` as a process: its port, hostile askers, NVML, signals."""

import math
import os
import signal
import socket
import subprocess
import sys

import pytest
import urllib3

from tests.fixtures.boards import orin_6, orin_7, thor
from tests.fixtures.net import wait_until
from tests.fixtures.node_agent import running_agent
from tests.fixtures.worker import ROOT

GPU = 'posture_node_gpu_load_percent{{node="n",source="{}"}}'


@pytest.fixture
def agent(tmp_path):
    with running_agent(tmp_path, NODE_NAME="n", **orin_6(tmp_path).environ) as started:
        yield started


def ask(agent, text, patience=10):
    with socket.create_connection(("127.0.0.1", agent.port), patience) as connection:
        connection.sendall(text)
        answer = b""
        while more := connection.recv(65536):
            answer += more
        return answer.decode()


def test_it_serves_prometheus_and_probes(agent):
    url = f"http://{agent.target}"
    answer = urllib3.request("GET", f"{url}/metrics", retries=False)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    wait_until(
        lambda: GPU.format("17000000.gpu") in agent.scrape(), "it has looked once"
    )
    assert urllib3.request("GET", f"{url}/healthz?x=1", retries=False).data == b"ok\n"
    assert urllib3.request("GET", f"{url}/", retries=False).status == 404
    assert urllib3.request("POST", f"{url}/metrics", retries=False).status == 405
    assert urllib3.request("HEAD", f"{url}/metrics", retries=False).data == b""


@pytest.mark.parametrize(
    "text",
    [b"\r\n\r\n", b"GET\r\n\r\n", b"\xff\x00" * 40 + b"\r\n\r\n", b"x" * 20000],
)
def test_what_is_no_request_is_refused(agent, text):
    try:
        assert "405" in ask(agent, text)
    except ConnectionResetError:
        assert len(text) > 8192  # it did not want the rest
    assert agent.scrape()


def test_silent_askers_do_not_keep_prometheus_away(agent):
    silent = [socket.create_connection(("127.0.0.1", agent.port)) for _ in range(40)]
    try:
        # Those beyond a few are turned away, the others lose patience's worth of time.
        def answered():
            try:
                return agent.scrape()
            except urllib3.exceptions.HTTPError:
                return None

        wait_until(answered, "Prometheus is served", 30, 0.2)
    finally:
        for each in silent:
            each.close()


def test_it_says_what_is_wrong_with_its_settings_and_ends_by_a_signal(agent):
    taken = {"AGENT_PORT": str(agent.port), "AGENT_ADDRESS": "127.0.0.1"}
    for environ, code, words in (
        ({"AGENT_PORT": "x", "AGENT_WINDOW": "0"}, 2, "AGENT_WINDOW"),
        (taken, 1, "cannot open port"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "node_agent"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]} | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert done.returncode == code
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(10) == 0


@pytest.fixture(scope="session")
def nvml(tmp_path_factory):
    """A folder with a library that stands in for the driver's."""
    folder = tmp_path_factory.mktemp("nvml")
    source = ROOT / "tests/fixtures/nvml.c"
    target = folder / "libnvidia-ml.so.1"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", target, source], check=True)
    return folder


def test_thor_is_read_by_nvidias_library(tmp_path, nvml):
    loads = tmp_path / "loads"
    loads.write_text("30 80\n")
    environ = {"LD_LIBRARY_PATH": str(nvml), "NVML_LOADS": str(loads)}
    board = thor(tmp_path)
    with running_agent(tmp_path, NODE_NAME="n", **environ, **board.environ) as agent:

        def told(first, second):
            found = agent.scrape()
            return (found[GPU.format("nvml0")], found[GPU.format("nvml1")]) == (
                first,
                second,
            )

        wait_until(lambda: told(30, 80), "both GPUs are told")
        loads.write_text("-1 90\n")
        wait_until(
            lambda: math.isnan(agent.scrape()[GPU.format("nvml0")]), "one is unknown"
        )
        answer = urllib3.request("GET", f"http://{agent.target}/metrics").data.decode()
        assert 'reason="NVML: Not Supported"' in answer


def test_a_driver_that_fails_is_a_reason(tmp_path, nvml):
    environ = {"LD_LIBRARY_PATH": str(nvml), "NVML_LOADS": "/", "NVML_BROKEN": "1"}
    board = orin_7(tmp_path)
    with running_agent(tmp_path, **environ, **board.environ) as agent:
        url = f"http://{agent.target}/metrics"
        wait_until(
            lambda: b"and NVML: Unknown Error" in urllib3.request("GET", url).data,
            "the reason is told",
        )
