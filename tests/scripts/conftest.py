"""A site for each test: everything but cluster and database is its own."""

import pytest

from tests.fixtures.prometheus import PrometheusServer
from tests.fixtures.site import Site, running_keda


@pytest.fixture
def site(tmp_path, control_plane, broker, postgres):
    prometheus = PrometheusServer(tmp_path / "prometheus")
    with control_plane.namespace() as namespace:
        folder = tmp_path / "site"
        folder.mkdir()
        made = Site(folder, control_plane, namespace, prometheus, broker, postgres)
        yield made
        made.run("stop.py", "--all")
        made.close()
        prometheus.stop()


@pytest.fixture
def keda(site):
    with running_keda(site.plane, site.namespace) as started:
        yield started
