"""Loads as a real Prometheus tells them: each guard against looking idle."""

import pytest

import options
from placement.errors import MetricsError
from placement.loads import parse_loads
from placement.metrics import Prometheus
from placement.policy import Node
from placement.settings import LoadSettings, PrometheusSettings
from tests.fixtures.net import wait_until
from tests.fixtures.prometheus import Exporter, running_prometheus
from tests.fixtures.settings import read_settings


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as started:
        yield started


@pytest.fixture
def exporter():
    made = Exporter()
    yield made
    made.stop()


class Watched:
    """One node called n whose exporter the test controls."""

    def __init__(self, server, exporter, **changes):
        self.exporter = exporter
        self.metric = f"load_{exporter.port}"  # tests share the server
        changes = {"metrics": self.metric, "window": "1", "max_age": "30"} | changes
        self.loads = read_settings(LoadSettings, **changes)
        self.door = Prometheus(read_settings(PrometheusSettings, url=server.url))
        self.node_map = {exporter.target: "n"}
        server.scrape(exporter)

    def look(self, nodes=None):
        nodes = nodes or [Node("n", "n", addresses=("127.0.0.1",))]
        return self.door.survey(nodes, self.loads)

    def reading(self):
        return self.look().readings.get("n")

    def wait_for(self, condition, what):
        wait_until(lambda: condition(self.reading()), what, 30, 0.1)
        return self.reading()


@pytest.fixture
def watched(server, exporter):
    made = Watched(server, exporter)
    yield made
    made.door.close()


def test_a_load_is_read_with_its_age(watched):
    watched.exporter.tell(f"{watched.metric} 42")
    reading = watched.wait_for(lambda r: r and r.load == 42, "load 42")
    assert reading.problem is None
    assert 0 <= reading.age < 20
