"""A site for each test: a namespace and a folder of its own, the rest is shared."""

import pytest

from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.site import Site, Surroundings, running_keda


@pytest.fixture(scope="session")
def surroundings(tmp_path_factory, control_plane, _postgres):
    folder = tmp_path_factory.mktemp("surroundings")
    with running_mosquitto(folder / "broker") as broker:
        made = Surroundings(folder, control_plane, broker, _postgres)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def site(tmp_path, surroundings, postgres):
    with (
        surroundings.plane.namespace() as namespace,
        running_keda(surroundings.plane, namespace) as keda,
    ):
        made = Site(tmp_path, surroundings, namespace, keda)
        yield made
        made.run("stop.py", "--all")


@pytest.fixture
def keda(site):
    """KEDA's stand-in, which is at work on every site."""
    return site.keda
