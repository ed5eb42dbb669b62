"""The container's health check: the kernel's list of connections, and a real one."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from common.broker_settings import BrokerSettings
from common.options import options_of
from tests.fixtures.net import free_port

SCRIPT = Path(__file__).parents[2] / "posture" / "health.sh"


def ask(port, script=SCRIPT):
    return subprocess.run(
        ["bash", script],
        env={"PATH": os.environ["PATH"], "MQTT_HOST": "h", "MQTT_PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_it_is_healthy_while_it_has_its_connection(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        port = server.getsockname()[1]
        assert ask(port).returncode == 1  # somebody listens, nobody is connected
        with socket.create_connection((address, port)):
            assert ask(port).returncode == 0
            assert ask(f"0{port}").returncode == 0  # as the worker reads it


def test_it_says_what_is_missing():
    port = free_port()
    done = ask(port)
    assert done.returncode == 1
    assert f"no connection to the broker at h:{port}" in done.stderr


def test_only_established_connections_to_this_port_count(tmp_path):
    lists = tmp_path / "tcp", tmp_path / "tcp6"
    head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    lists[0].write_text(
        head
        + "   0: 0100007F:9C40 0100007F:075B 01 00000000:00000000\n"
        + "   1: 0100007F:9C41 0100007F:075C 06 00000000:00000000\n"
        + "   2: 0100007F:075D 0100007F:9C42 01 00000000:00000000\n"
    )
    script = tmp_path / "health.sh"
    lists_of_kernel = "/proc/net/tcp", "/proc/net/tcp6"
    text = SCRIPT.read_text()
    for kernels, ours in zip(lists_of_kernel[::-1], lists[::-1], strict=True):
        text = text.replace(f" {kernels}", f" {ours}")
    script.write_text(text)
    assert [ask(port, script).returncode for port in (1883, 1884, 1885)] == [0, 1, 1]


def test_without_a_port_it_asks_for_the_one_that_the_worker_takes():
    [port] = [each for each in options_of(BrokerSettings) if each.env == "MQTT_PORT"]
    assert f"${{MQTT_PORT:-{port.default}}}" in SCRIPT.read_text()
