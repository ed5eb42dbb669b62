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
        plane.kubectl(
            "apply", "--server-side", "--dry-run=server", "--validate=strict",
            "-n", namespace, "-f", "-", stdin=yaml.safe_dump_all(told),
        )  # fmt: skip


@pytest.mark.parametrize("version", KEDA)
def test_what_keda_reads_is_valid_to_it(helm, control_plane, version):
    group = f"{version.replace('.', '-')}.keda.sh"
    found = [
        *yaml.safe_load_all((ROOT / "posture-job.yaml").read_text()),
        *of(helm.template(*TLS, "analyzer.workers=3"), "keda.sh"),
    ]
    assert len(found) == 3
    with contextlib.ExitStack() as stack:
        for plural in ("scaledjobs", "triggerauthentications"):
            told = stack.enter_context(
                served(control_plane, f"keda-{version}", plural, group)
            )
        check(control_plane, found, {"keda.sh/v1alpha1": told})


def test_what_is_watched_and_alerted_is_valid_to_the_prometheus_operator(
    helm, control_plane
):
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
    with contextlib.ExitStack() as stack:
        for plural in ("podmonitors", "prometheusrules"):
            told = stack.enter_context(
                served(control_plane, "prometheus-operator", plural)
            )
        check(control_plane, found, {told: told})
        with pytest.raises(AssertionError, match="podMetricsEndpoint"):
            check(control_plane, [misspelt(found)], {told: told})


def misspelt(found):
    """That the check sees something: one word of a PodMonitor is another."""
    monitor = next(each for each in found if each["kind"] == "PodMonitor")
    spec = dict(monitor["spec"])
    spec["podMetricsEndpoint"] = spec["podMetricsEndpoints"]
    return monitor | {"spec": spec}


def test_certificates_are_valid_to_cert_manager(helm, control_plane):
    found = of(helm.template(*TLS), "cert-manager.io")
    assert len(found) == 2
    with served(control_plane, "cert-manager", "certificates") as told:
        check(control_plane, found, {told: told})


def of(objects, group):
    return [
        each for each in objects.values() if each["apiVersion"].startswith(f"{group}/")
    ]
