"""A site for each test: a namespace and a folder of its own, the rest is shared."""

import threading
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.ready_keda import running_keda
from tests.fixtures.site import Site, Surroundings


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
def untouched_site(tmp_path, surroundings, postgres):
    """A site where nothing is to be launched."""
    with (
        surroundings.plane.namespace() as namespace,
        running_keda(surroundings.plane, namespace) as keda,
    ):
        yield Site(tmp_path, surroundings, namespace, keda)


@pytest.fixture
def site(untouched_site):
    """A site where what was launched is taken down at the end."""
    yield untouched_site
    untouched_site.call("stop.py", "--all")


@pytest.fixture
def keda(site):
    """KEDA's stand-in, which is at work on every site."""
    return site.keda


@pytest.fixture
def environ(site):
    """Prometheus by an address that is not called loopback, for no pod really asks."""
    url = urlsplit(site.environ["PROMETHEUS_URL"])
    return {"PROMETHEUS_URL": f"http://2130706433:{url.port}"}  # 127.0.0.1 as a number


def _run_pods(site):
    for pod in site.plane.objects("pods", site.namespace, cached=True):
        phase = (pod.get("status") or {}).get("phase")
        if pod["spec"].get("nodeName") and phase == "Pending":
            site.plane.run_pod(pod["metadata"]["name"], site.namespace)


@pytest.fixture
def kubelet(site):
    """Says of every pod that was bound that it runs."""
    over = threading.Event()

    def run():
        while not over.wait(0.3):
            with suppress(AssertionError):  # a pod may be gone meanwhile
                _run_pods(site)

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join(10)
