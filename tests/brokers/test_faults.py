"""`make chaos` with another broker, two faults once; run by `make test-brokers`."""

import os

import pytest

from tests.brokers.servers import SERVERS
from tests.brokers.wanted import prepared
from tests.chaos.test_chaos import SHORT, make_chaos

OTHERS = [name for name, kind in SERVERS.items() if kind.keeps and name != "mosquitto"]


@pytest.mark.parametrize("broker", OTHERS)
def test_what_is_acknowledged_is_recorded_once_whatever_fails(broker):
    if "BROKERS" not in os.environ:
        pytest.skip(f"{broker}: only with make test-brokers")
    prepared(broker)
    only = "--only 'worker killed' --only 'broker silent'"
    done = make_chaos("SECONDS=0", "SEED=3", f"ARGS={SHORT} --broker {broker} {only}")

    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert done.stdout.endswith("nothing lost, nothing twice\n")
