"""Every manifest that is shipped, strictly validated by a real API server."""

import copy

import pytest
import yaml

from kube import scaledjobs
from kube.settings import ClusterSettings
from tests.fixtures.control_plane import ROOT
from tests.fixtures.scene import NAME
from tests.fixtures.settings import read_settings

SHIPPED = [
    "posture-job.yaml",
    "deploy/secret.example.yaml",
    "deploy/configmap.example.yaml",
    "deploy/placement-rbac.yaml",
    "deploy/offload-rbac.yaml",
    "deploy/page-ingress.example.yaml",
    "deploy/page-secret.example.yaml",
    "deploy/page.yaml",
    "deploy/scaler-service.yaml",
    "deploy/retention.yaml",
]


@pytest.mark.parametrize("path", SHIPPED)
def test_it_is_valid_and_applying_it_twice_changes_nothing(control_plane, path):
    text = (ROOT / path).read_text()
    with control_plane.namespace() as namespace:
        control_plane.apply(text, namespace=namespace)
        get = ["get", "-n", namespace, "-o", "json", "-f", "-"]
        once = control_plane.kubectl(*get, stdin=text)
        control_plane.apply(text, namespace=namespace)
        assert control_plane.kubectl(*get, stdin=text) == once


def test_a_mistyped_field_of_the_scaledjob_is_refused(control_plane):
    wrong = scaledjobs.read_manifest(ROOT / "posture-job.yaml")
    wrong["spec"]["rolout"] = wrong["spec"].pop("rollout")
    with control_plane.namespace() as namespace, pytest.raises(AssertionError) as said:
        control_plane.apply(scaledjobs.dump(wrong), namespace=namespace)
    assert "rolout" in str(said.value)


@pytest.fixture
def base():
    return yaml.safe_load((ROOT / "posture-job.yaml").read_text())


def test_its_jobs_are_valid_and_pass_the_strictest_pod_security(control_plane, base):
    # KEDA makes the Job; the ScaledJob's schema leaves the pod to the API server.
    target = copy.deepcopy(base["spec"]["jobTargetRef"])
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job"},
        "spec": target,
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod"},
        "spec": target["template"]["spec"],
    }
    level = "pod-security.kubernetes.io/enforce=restricted"
    with control_plane.namespace() as namespace:
        control_plane.kubectl("label", "namespace", namespace, level)
        control_plane.apply(job, pod, namespace=namespace)


def test_the_job_that_deletes_passes_the_strictest_pod_security_too(control_plane):
    cron = yaml.safe_load((ROOT / "deploy" / "retention.yaml").read_text())
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod"},
        "spec": cron["spec"]["jobTemplate"]["spec"]["template"]["spec"],
    }
    level = "pod-security.kubernetes.io/enforce=restricted"
    with control_plane.namespace() as namespace:
        control_plane.kubectl("label", "namespace", namespace, level)
        control_plane.apply(pod, namespace=namespace)


def test_running_jobs_outlive_a_change_and_nothing_counts_twice(base):
    spec = base["spec"]
    assert base["metadata"]["name"] == NAME
    assert spec["rollout"] == {"strategy": "gradual"}
    assert spec["pollingInterval"] == 10
    assert spec["maxReplicaCount"] == 1
    assert "scalingStrategy" not in spec
    (trigger,) = spec["triggers"]
    assert trigger["type"] == "external"
    assert trigger["metadata"]["scalerAddress"].endswith(":50051")
    assert "metricType" not in trigger
    assert spec["jobTargetRef"]["template"]["spec"]["restartPolicy"] == "Never"


def test_no_secret_stands_in_a_manifest(base):
    secret = yaml.safe_load((ROOT / "deploy" / "secret.example.yaml").read_text())
    assert set(secret["stringData"].values()) == {""}
    (container,) = base["spec"]["jobTargetRef"]["template"]["spec"]["containers"]
    assert {"configMapRef", "secretRef"} == {
        key for f in container["envFrom"] for key in f
    }
    assert {each["name"] for each in container["env"]} == {
        "NODE_NAME",
        "EXIT_WHEN_IDLE",
        "METRICS_PORT",
        "METRICS_ADDRESS",
    }


def test_a_port_that_is_announced_for_metrics_is_the_one_that_is_opened(base):
    template = base["spec"]["jobTargetRef"]["template"]
    (container,) = template["spec"]["containers"]
    environ = {each["name"]: each.get("value") for each in container["env"]}
    (port,) = container["ports"]
    assert port["name"] == "metrics"
    assert str(port["containerPort"]) == environ["METRICS_PORT"]
    annotations = template["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == environ["METRICS_PORT"]


def test_it_is_the_scaledjob_that_the_settings_name():
    settings = read_settings(ClusterSettings)
    assert (settings.scaledjob, settings.namespace) == (NAME, "default")
