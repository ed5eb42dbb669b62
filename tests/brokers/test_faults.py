"""`make chaos` with another broker, two faults once; run by `make test-brokers`."""

import os

import pytest

from tests.brokers.servers import SERVERS
from tests.brokers.wanted import prepared
from tests.chaos.test_chaos import SHORT
from tests.fixtures.make import make

OTHERS = [name for name, kind in SERVERS.items() if kind.keeps and name != "mosquitto"]


@pytest.mark.parametrize("broker", OTHERS)
def test_what_is_acknowledged_is_recorded_once_whatever_fails(broker):
    if "BROKERS" not in os.environ:
        pytest.skip(f"{broker}: only with make test-brokers")
    prepared(broker)
    only = "--only 'worker killed' --only 'broker silent'"
    flags = f"{SHORT} --broker {broker} {only}"
    done = make("chaos", "SECONDS=0", "SEED=3", f"ARGS={flags}")

    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert done.stdout.endswith("nothing lost, nothing twice\n")
