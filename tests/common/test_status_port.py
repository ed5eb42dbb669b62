"""The one port of /metrics and /healthz, over real connections."""

import socket
import threading
from contextlib import closing

import pytest
import urllib3
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from common.errors import OperatorError
from common.status_port import StatusPort
from tests.fixtures.net import accepts, wait_until


@pytest.fixture
def registry():
    made = CollectorRegistry()
    Counter("looks", "Looks", registry=made).inc(3)
    return made


def get(port, path, **headers):
    return urllib3.request(
        "GET", f"http://127.0.0.1:{port.port}{path}", headers=headers, retries=False
    )


def test_metrics_are_told_in_the_form_that_is_asked_for(registry):
    with closing(StatusPort("127.0.0.1", 0, registry)) as port:
        plain = get(port, "/metrics")
        open_metrics = get(port, "/metrics", Accept="application/openmetrics-text")
    told = text_string_to_metric_families(plain.data.decode())
    samples = {each.name: each.value for family in told for each in family.samples}
    assert samples["looks_total"] == 3
    assert open_metrics.data.endswith(b"# EOF\n")
    assert not accepts(port.port)


def test_health_is_what_the_process_says_at_the_moment(registry):
    trouble = []
    port = StatusPort("127.0.0.1", 0, registry, lambda: " ".join(trouble) or None)
    with closing(port):
        assert get(port, "/healthz").status == 200
        assert get(port, "/healthz").data == b"ok\n"
        trouble.append("stuck")
        assert get(port, "/healthz").status == 503
        assert get(port, "/healthz").data == b"stuck\n"
        assert get(port, "/").status == 404


def test_many_may_ask_while_one_says_nothing(registry):
    with (
        closing(StatusPort("127.0.0.1", 0, registry)) as port,
        socket.create_connection(("127.0.0.1", port.port)),
    ):
        assert get(port, "/healthz").status == 200


def test_a_port_that_is_taken_is_named_with_its_setting(registry):
    with (
        closing(StatusPort("127.0.0.1", 0, registry)) as port,
        pytest.raises(OperatorError, match=rf"port {port.port} .* another A_PORT, or"),
    ):
        StatusPort("127.0.0.1", port.port, registry, setting="A_PORT")


def test_an_address_of_version_6_is_served(registry):
    with closing(StatusPort("::1", 0, registry)) as port:
        assert urllib3.request("GET", f"http://[::1]:{port.port}/healthz").status == 200


def test_who_says_nothing_keeps_nobody_from_being_answered(registry):
    with closing(StatusPort("127.0.0.1", 0, registry)) as port:
        before = threading.active_count()
        silent = [
            socket.create_connection(("127.0.0.1", port.port)) for _ in range(300)
        ]
        assert get(port, "/healthz").status == 200
        wait_until(lambda: threading.active_count() - before <= 21, "few threads")
        assert get(port, "/metrics").status == 200
        for each in silent:
            each.close()
