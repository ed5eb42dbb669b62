"""Each picture that a broker has accepted gives one row, whatever broker it is.

Three of them are tried always; `make test-brokers`
brings all. A broker that cannot be had is a skip with its reason.
"""

import pytest

from tests.brokers.scene import STEPS, playing_on, verdict
from tests.brokers.servers import SERVERS
from tests.brokers.servers.server import running
from tests.brokers.wanted import prepared


@pytest.fixture(params=SERVERS, scope="module")
def server(request, tmp_path_factory):
    """One broker for all steps, each with a session of its own."""
    kind = prepared(request.param)
    with running(kind, tmp_path_factory.mktemp(request.param)) as started:
        yield started


@pytest.mark.parametrize("step", STEPS)
def test_what_is_accepted_is_recorded_once(server, step, postgres, tmp_path):
    kind = type(server)
    if not kind.keeps:
        pytest.skip(f"{kind.name} keeps nothing, as the probe says")
    session = step.replace(" ", "-")
    with playing_on(server, postgres, tmp_path, session) as scene:
        STEPS[step](scene)
        lost, doubled = scene.counted()
        log = scene.workers[-1].log
        if step == "restart" and not kind.on_disk:
            assert "the broker has no session for us" in log
            lost = 0
        assert (lost, doubled) == (0, 0), log


def test_the_probe_finds_out(server, postgres, tmp_path):
    with playing_on(server, postgres, tmp_path) as scene:
        assert server.verdict in verdict(scene.settings.broker)
