"""Objects of KEDA, cert-manager and the Prometheus Operator, to their own definitions.

The API server validates them strictly: what is not in a definition is refused.
"""

import contextlib

import pytest
import yaml

from tests.fixtures.crds import KEDA, served
from tests.fixtures.worker import ROOT

MONITORS = "deploy/monitoring/pod-monitor.yaml deploy/monitoring/placement-monitor.yaml"
MONITORS += " deploy/node-agent/pod-monitor.yaml deploy/monitoring/prometheus-rule.yaml"
TLS = ("scaler.tls.enabled=true", "scaler.tls.issuerRef.name=ca")


def check(plane, objects, versions):
    """Have the server look at them; `versions` by what the objects say instead."""
    told = [each | {"apiVersion": versions[each["apiVersion"]]} for each in objects]
    with plane.namespace() as namespace:
        for each in told:
            each["metadata"].pop("namespace", None)
            plane.would_take(each, namespace)


def served_all(plane, source, *plurals, group=None):
    """The server knows all of them meanwhile; gives their group and version."""
    with contextlib.ExitStack() as stack:
        told = {
            stack.enter_context(served(plane, source, plural, group))
            for plural in plurals
        }
        yield told.pop()


# A server takes a second to learn of such a definition, and another to forget it.


@pytest.fixture(scope="module", params=KEDA)
def keda(request, control_plane):
    group = f"{request.param.replace('.', '-')}.keda.sh"
    kinds = ("scaledjobs", "triggerauthentications")
    yield from served_all(control_plane, f"keda-{request.param}", *kinds, group=group)


@pytest.fixture(scope="module")
def prometheus_operator(control_plane):
    kinds = ("podmonitors", "prometheusrules")
    yield from served_all(control_plane, "prometheus-operator", *kinds)


@pytest.fixture(scope="module")
def cert_manager(control_plane):
    yield from served_all(control_plane, "cert-manager", "certificates")


def test_what_keda_reads_is_valid_to_it(helm, control_plane, keda):
    found = [
        *yaml.safe_load_all((ROOT / "posture-job.yaml").read_text()),
        *of(helm.template(*TLS, "analyzer.workers=3"), "keda.sh"),
    ]
    assert len(found) == 3
    check(control_plane, found, {"keda.sh/v1alpha1": keda})


def test_what_is_watched_and_alerted_is_valid_to_the_prometheus_operator(
    helm, control_plane, prometheus_operator
):
    told = prometheus_operator
    found = [
        each
        for path in MONITORS.split()
        for each in yaml.safe_load_all((ROOT / path).read_text())
    ]
    chart = helm.template(
        "monitoring.podMonitors=true",
        "monitoring.rules=true",
        "monitoring.labels.release=stack",
    )
    found += of(chart, "monitoring.coreos.com")
    assert {each["kind"] for each in found} == {"PodMonitor", "PrometheusRule"}
    check(control_plane, found, {told: told})
    with pytest.raises(AssertionError, match="podMetricsEndpoint"):
        check(control_plane, [misspelt(found)], {told: told})


def misspelt(found):
    """That the check sees something: one word of a PodMonitor is another."""
    monitor = next(each for each in found if each["kind"] == "PodMonitor")
    spec = dict(monitor["spec"])
    spec["podMetricsEndpoint"] = spec["podMetricsEndpoints"]
    return monitor | {"spec": spec}


def test_certificates_are_valid_to_cert_manager(helm, control_plane, cert_manager):
    found = of(helm.template(*TLS), "cert-manager.io")
    assert len(found) == 2
    check(control_plane, found, {cert_manager: cert_manager})


def of(objects, group):
    return [
        each for each in objects.values() if each["apiVersion"].startswith(f"{group}/")
    ]
