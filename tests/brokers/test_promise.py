"""Each picture that a broker has accepted gives one row, whatever broker it is.

Two of them, and those that are here already, are tried always; `make test-brokers`
brings all. A broker that cannot be had is a skip with its reason.
"""

import pytest

from tests.brokers.scene import STEPS, playing, verdict
from tests.brokers.servers import SERVERS
from tests.brokers.wanted import prepared


@pytest.fixture(params=SERVERS)
def kind(request):
    return prepared(request.param)


@pytest.mark.parametrize("step", STEPS)
def test_what_is_accepted_is_recorded_once(kind, step, postgres, tmp_path):
    if not kind.keeps:
        pytest.skip(f"{kind.name} keeps nothing, as the probe says")
    with playing(kind, postgres, tmp_path) as scene:
        STEPS[step](scene)
        lost, doubled = scene.counted()
        log = scene.workers[-1].log
        if step == "restart" and not kind.on_disk:
            assert "the broker has no session for us" in log
            lost = 0
        assert (lost, doubled) == (0, 0), log


def test_the_probe_finds_out(kind, postgres, tmp_path):
    with playing(kind, postgres, tmp_path) as scene:
        assert kind.verdict in verdict(scene.settings.broker)
