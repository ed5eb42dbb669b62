"""Each picture that a broker has accepted gives one row, whatever broker it is.

Two of them, and those that are here already, are tried always; `make test-brokers`
brings all. A broker that cannot be had is a skip with its reason.
"""

import os

import pytest

from posture.mqtt.probe import probe
from tests.brokers.scene import STEPS, playing
from tests.brokers.servers import SERVERS
from tests.brokers.servers.server import MissingError

ALWAYS = ("mosquitto", "rabbitmq", "artemis")
WANTED = os.environ.get("BROKERS", " ".join(ALWAYS)).split()


@pytest.fixture(params=SERVERS)
def kind(request):
    if request.param not in WANTED:
        pytest.skip(f"{request.param}: only with make test-brokers")
    made = SERVERS[request.param]
    try:
        made.prepare()
    except MissingError as missing:
        pytest.skip(str(missing))
    return made


@pytest.mark.parametrize("step", STEPS)
def test_what_is_accepted_is_recorded_once(kind, step, postgres, tmp_path):
    with playing(kind, postgres, tmp_path) as scene:
        STEPS[step](scene)
        assert scene.counted() == (0, 0), scene.workers[-1].log


def test_the_probe_believes_it(kind, postgres, tmp_path):
    with playing(kind, postgres, tmp_path) as scene:
        assert kind.verdict in probe(scene.settings.broker)
