"""A site for each test: everything but cluster, Prometheus and database is its own."""

import pytest

from tests.fixtures.prometheus import running_prometheus
from tests.fixtures.site import Site, running_keda


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory):
    with running_prometheus(tmp_path_factory.mktemp("prometheus")) as started:
        yield started


@pytest.fixture
def site(tmp_path, control_plane, prometheus, broker, postgres):
    with control_plane.namespace() as namespace:
        folder = tmp_path / "site"
        folder.mkdir()
        made = Site(folder, control_plane, namespace, prometheus, broker, postgres)
        yield made
        made.run("stop.py", "--all")
        made.close()


@pytest.fixture
def keda(site):
    with running_keda(site.plane, site.namespace) as started:
        yield started
