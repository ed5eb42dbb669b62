"""What tests have started ends with them, also when they are killed."""

import signal
import subprocess
import sys

from tests.fixtures.net import accepts, wait_until
from tests.fixtures.scripts import ROOT

PROGRAM = """
import sys, time
from pathlib import Path
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.postgres import running_postgres

broker = Mosquitto(Path(sys.argv[1]))
broker.start()
with running_postgres(on_disk=True) as postgres:
    print(broker.port, postgres.port, flush=True)
    time.sleep(60)
"""


def test_servers_end_with_tests_that_are_killed(tmp_path):
    tests = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with tests:
        ports = [int(each) for each in tests.stdout.readline().split()]
        assert all(accepts(port) for port in ports)
        tests.send_signal(signal.SIGKILL)
    assert len(ports) == 2
    wait_until(lambda: not any(map(accepts, ports)), "broker and database are gone")
