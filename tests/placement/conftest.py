"""One Prometheus for all tests here, and exporters that it scrapes already."""

import pytest

from tests.fixtures.prometheus import Exporter, running_prometheus
from tests.fixtures.scene import Scene

_POOL = 4  # the most that one test takes; Prometheus needs seconds to learn of others


@pytest.fixture(scope="session")
def _scraped(tmp_path_factory):
    pool = [Exporter() for _ in range(_POOL)]
    folder = tmp_path_factory.mktemp("prometheus")
    with running_prometheus(folder, *pool) as server:
        yield server, pool
    for each in pool:
        each.stop()


@pytest.fixture
def prometheus(_scraped):
    """A Prometheus that scrapes the exporters every quarter of a second."""
    return _scraped[0]


@pytest.fixture
def exporters(_scraped):
    """Exporters that run and have nothing to tell yet."""
    for each in _scraped[1]:
        each.tell()
        each.start()
    return _scraped[1]


@pytest.fixture
def scene(control_plane, prometheus, exporters, tmp_path):
    """Nodes, loads and a ScaledJob."""
    with control_plane.namespace() as namespace:
        made = Scene(control_plane, namespace, prometheus, exporters, tmp_path)
        yield made
        made.close()
