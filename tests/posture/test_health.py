"""The container's health check: the kernel's list of connections, and a real one."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from posture.health import connected_ports
from tests.fixtures.net import free_port

ROOT = Path(__file__).parents[2]


def ask(port):
    return subprocess.run(
        [sys.executable, "-m", "posture.health"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "MQTT_HOST": "h", "MQTT_PORT": str(port)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_healthy_while_it_has_its_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ask(port).returncode == 1  # somebody listens, nobody is connected
        with socket.create_connection(("127.0.0.1", port)):
            assert ask(port).returncode == 0


def test_it_says_what_is_missing():
    port = free_port()
    done = ask(port)
    assert done.returncode == 1
    assert f"no connection to the broker at h:{port}" in done.stderr


def test_only_established_connections_count(tmp_path):
    head = "  sl  local_address rem_address   st tx_queue rx_queue\n"
    (tmp_path / "tcp").write_text(
        head
        + "   0: 0100007F:9C40 0100007F:075B 01 00000000:00000000\n"
        + "   1: 0100007F:9C41 0100007F:075C 06 00000000:00000000\n"
    )
    assert list(connected_ports([tmp_path / "tcp", tmp_path / "none"])) == [1883]
