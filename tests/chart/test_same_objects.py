"""Chart, kustomize and `kubectl apply` have the same objects."""

import shutil

import pytest
import yaml

from tests.fixtures.helm import by_name
from tests.fixtures.worker import ROOT
from tools.prometheus_rule import MONITORING, prometheus_rule

# Needs Go, as the control plane does.
pytestmark = pytest.mark.cluster

CLUSTERWIDE = ("ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy")
PARTS = ("offload", "page", "nudge")


def written(*files):
    return by_name("\n---\n".join((ROOT / each).read_text() for each in files))


INSTALLERS = (
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "posture-analyzer/made-by",
)


def bare(found):
    """Objects without what says who installed them, and from which image."""
    return {key: _bare(each) for key, each in found.items()}


def _bare(value):
    if isinstance(value, list):
        return [_bare(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _bare(each)
        for key, each in value.items()
        if not (key.startswith("helm.sh/") or key in INSTALLERS or key == "image")
    }


def base():
    known = yaml.safe_load((ROOT / "kustomization.yaml").read_text())
    return written(*known["resources"])


def test_with_its_defaults_the_chart_has_what_kustomize_has(helm, kustomize):
    of_chart = {
        key: each
        for key, each in helm.template("retention.rowDays=365").items()
        if each["kind"] not in ("ConfigMap", "Pod")
    }
    apart = {key for key in of_chart if key[0].startswith(CLUSTERWIDE)}

    of_kustomize = kustomize(ROOT)
    assert bare({k: v for k, v in of_chart.items() if k not in apart}) == bare(
        {k: v for k, v in of_kustomize.items() if not k[0].startswith(CLUSTERWIDE)}
    )
    assert bare(base()) == bare(of_kustomize)
    # What belongs to no namespace has the namespace in its name.
    assert {kind for kind, _ in apart} == {
        kind for kind, _ in of_kustomize if kind.startswith(CLUSTERWIDE)
    }
    assert all(name.endswith("-default") for _, name in apart)


@pytest.mark.parametrize("part", PARTS)
def test_what_is_optional_is_what_the_manifest_says(helm, part):
    found = helm.template(f"{part}.enabled=true", "offload.node=master")
    for (kind, name), wanted in written(f"deploy/{part}.yaml").items():
        if not kind.startswith(CLUSTERWIDE):
            assert _bare(found[kind, name]) == _bare(wanted)


def test_every_name_is_the_instances(helm):
    found = helm.template(
        "page.enabled=true",
        "nudge.enabled=true",
        "offload.enabled=true",
        "offload.node=nuc",
        name="hall",
        namespace="sitting",
    )
    assert all(name.startswith("hall-") for _, name in found)
    text = yaml.safe_dump_all(found.values())
    left = {line.strip() for line in text.splitlines() if "posture-" in line}
    constant = (
        "part-of: posture-analyzer",
        "chart: posture-analyzer",
        "posture-analyzer/made-by: chart",
        "shahroz90/",
    )
    assert not [line for line in left if not any(each in line for each in constant)]
    assert "default" not in {
        each.get("namespace")
        for found_ in found.values()
        for each in found_.get("subjects", [])
    }
    trigger = found["ScaledJob", "hall-analyzer-scaledjob"]["spec"]["triggers"][0]
    address = trigger["metadata"]["scalerAddress"]
    assert address == "hall-scaler.sitting.svc.cluster.local:50051"
    told = found["ConfigMap", "hall-placement"]["data"]
    assert told["SCALEDJOB"] == "hall-analyzer-scaledjob"
    assert found["ConfigMap", "hall-analyzer"]["data"]["MQTT_CLIENT_ID"] == (
        "hall-analyzer"
    )


def test_the_alerts_object_is_made_of_the_alerts(helm):
    text = (MONITORING / "prometheus-rule.yaml").read_text()
    assert text == prometheus_rule(), "run `python -m tools.prometheus_rule`"
    alerts = yaml.safe_load((MONITORING / "alerts.yml").read_text())
    assert yaml.safe_load(text)["spec"] == alerts

    rule = helm.template("monitoring.rules=true")["PrometheusRule", "posture-alerts"]
    assert rule["spec"] == alerts


def test_the_example_of_a_kustomization_takes_every_component(kustomize, tmp_path):
    example = (ROOT / "deploy" / "kustomization.example.yaml").read_text()
    (tmp_path / "my-cluster").mkdir()
    everything = example.replace("  # - ", "  - ")
    (tmp_path / "my-cluster" / "kustomization.yaml").write_text(everything)
    ignore = shutil.ignore_patterns(".*", "models", "local", "site", "tests", "node_*")
    shutil.copytree(ROOT, tmp_path / "posture-analyzer", ignore=ignore)

    found = kustomize(tmp_path / "my-cluster")
    images = [
        line.split()[-1]
        for line in yaml.safe_dump_all(found.values()).splitlines()
        if " image: " in line
    ]
    assert len(images) == 5
    assert all(image.startswith("registry.example.org/posture-") for image in images)
    job = found["ScaledJob", "posture-analyzer-scaledjob"]
    pod = job["spec"]["jobTargetRef"]["template"]["spec"]
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert found["ConfigMap", "posture-analyzer"]["data"]["MQTT_HOST"] == "192.168.1.79"
    assert ("PrometheusRule", "posture-alerts") in found
