"""Every manifest that is shipped, strictly validated by a real API server."""

import copy

import pytest
import yaml

from common.options import options_of
from kube import scaledjobs
from kube.settings import ClusterSettings
from kube.yaml_text import documents
from posture.settings import WorkerSettings
from tests.fixtures.control_plane import ROOT, keda_creates_job
from tests.fixtures.net import wait_until
from tests.fixtures.scene import NAME
from tests.fixtures.settings import read_settings

SHIPPED = [
    "posture-job.yaml",
    "deploy/secret.example.yaml",
    "deploy/configmap.example.yaml",
    "deploy/placement-rbac.yaml",
    "deploy/nudge.yaml",
    "deploy/offload-rbac.yaml",
    "deploy/page-ingress.example.yaml",
    "deploy/page-secret.example.yaml",
    "deploy/page.yaml",
    "deploy/placement.yaml",
    "deploy/placement-config.example.yaml",
    "deploy/offload.yaml",
    "deploy/scaler-service.yaml",
    "deploy/retention.yaml",
]


def _wanted(plane, text, namespace):
    """Its objects as they are, without what a controller writes into them meanwhile."""
    objects = [plane.find(each, namespace) for each in documents(text)]
    for each in objects:
        each.pop("status", None)
        for name in ("resourceVersion", "managedFields", "annotations"):
            each["metadata"].pop(name, None)
    return objects


@pytest.mark.parametrize("path", SHIPPED)
def test_it_is_valid_and_applying_it_twice_changes_nothing(control_plane, path):
    text = (ROOT / path).read_text()
    with control_plane.namespace() as namespace:
        apply = ["apply", "-n", namespace, "--validate=strict", "-f", "-"]
        control_plane.kubectl(*apply, stdin=text)
        once = _wanted(control_plane, text, namespace)
        control_plane.kubectl(*apply, stdin=text)
        assert _wanted(control_plane, text, namespace) == once


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
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    with control_plane.namespace() as namespace:
        control_plane.label("namespace", namespace, level)
        control_plane.apply(job, pod, namespace=namespace)


def test_the_job_that_deletes_passes_the_strictest_pod_security_too(control_plane):
    cron = yaml.safe_load((ROOT / "deploy" / "retention.yaml").read_text())
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod"},
        "spec": cron["spec"]["jobTemplate"]["spec"]["template"]["spec"],
    }
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    with control_plane.namespace() as namespace:
        control_plane.label("namespace", namespace, level)
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


class Job:
    """A Job of the shipped ScaledJob, on a node, and what becomes of its pods."""

    def __init__(self, plane, namespace):
        self.plane, self.namespace = plane, namespace
        text = (ROOT / "posture-job.yaml").read_text()
        # One failure that counts would be one too many.
        text = text.replace("backoffLimit: 3", "backoffLimit: 0")
        plane.apply(text, namespace=namespace)
        self.name = keda_creates_job(plane, namespace, NAME)

    def status(self):
        return self.plane.get("job", self.name, self.namespace)["status"]

    def pod(self, *gone):
        """The Job's pod, other than those that are gone."""

        def there():
            return [
                each["metadata"]["name"]
                for each in self.plane.objects("pods", self.namespace)
                if each["metadata"]["name"] not in gone
            ]

        return wait_until(there, "the Job has a pod", 60, 0.2)[0]

    def fail(self, pod, code, **condition):
        ended = {"terminated": {"exitCode": code, "reason": "Error"}}
        container = {"name": "posture-analyzer", "state": ended, "ready": False}
        container |= {"restartCount": 0, "image": "x", "imageID": "x"}
        status = {"phase": "Failed", "containerStatuses": [container]}
        if condition:
            status["conditions"] = [condition | {"status": "True"}]
        self.plane.patch_status("pod", pod, status, self.namespace)


@pytest.fixture
def job(control_plane):
    with control_plane.namespace() as namespace:
        node = f"node-{namespace}"
        control_plane.add_node(node)
        yield Job(control_plane, namespace)
        control_plane.remove_node(node)


def test_a_drained_node_does_not_count_as_a_failure_of_the_worker(job):
    pod = job.pod()
    job.fail(pod, 137, type="DisruptionTarget", reason="EvictionByEvictionAPI")
    job.pod(pod)
    assert not [c for c in job.status().get("conditions", ()) if c["type"] == "Failed"]


def test_wrong_settings_end_the_job_at_once(job):
    job.fail(job.pod(), 2)

    def failed():
        conditions = job.status().get("conditions", ())
        return [c for c in conditions if c["type"] == "Failed"]

    wait_until(failed, "the Job has failed", 60, 0.2)
    assert failed()[0]["reason"] == "PodFailurePolicy"


def test_the_probe_asks_the_port_of_the_metrics_and_no_healthy_worker_has_an_end(base):
    target = base["spec"]["jobTargetRef"]
    assert "activeDeadlineSeconds" not in target
    (container,) = target["template"]["spec"]["containers"]
    assert container["livenessProbe"]["httpGet"] == {
        "path": "/livez",
        "port": "metrics",
    }


def test_the_pictures_end_before_their_volume_does(base):
    pod = base["spec"]["jobTargetRef"]["template"]["spec"]
    (container,) = pod["containers"]
    environ = {each["name"]: each.get("value") for each in container["env"]}
    volumes = {each["name"]: each["emptyDir"]["sizeLimit"] for each in pod["volumes"]}
    assert volumes["pictures"] == "2Gi"
    assert int(environ["PICTURES_MB"]) << 20 < 0.9 * (2 << 30)
    assert volumes["quarantine"] == "200Mi"
    defaults = {each.env: each.default for each in options_of(WorkerSettings)}
    assert int(defaults["QUARANTINE_MB"]) <= 100
    assert container["resources"]["requests"]["ephemeral-storage"] == "2560Mi"


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
        "PICTURES_MB",
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
    # No namespace: that of the kubeconfig's context, or default.
    assert (settings.scaledjob, settings.namespace) == (NAME, None)
