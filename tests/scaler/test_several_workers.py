"""The Indexed Job of docs/workers.md, on a real API server and Job controller."""

import re

import pytest
import yaml

from kube import scaledjobs
from tests.fixtures.control_plane import ROOT, keda_creates_job
from tests.fixtures.net import wait_until
from tests.fixtures.scene import NAME

INDEX = "batch.kubernetes.io/job-completion-index"


@pytest.fixture
def namespace(control_plane):
    with control_plane.namespace() as name:
        yield name


@pytest.fixture
def job(control_plane, namespace):
    """The Job that KEDA makes once the ScaledJob is changed as the page says."""
    page = (ROOT / "docs" / "workers.md").read_text()
    change = yaml.safe_load(re.search(r"```yaml\n(spec:.*?)```", page, re.DOTALL)[1])
    scaledjob = scaledjobs.read_manifest(ROOT / "posture-job.yaml")
    target = change["spec"].pop("jobTargetRef")
    scaledjob["spec"] |= change["spec"]
    scaledjob["spec"]["jobTargetRef"] |= target
    control_plane.apply(scaledjobs.dump(scaledjob), namespace=namespace)
    return keda_creates_job(control_plane, namespace, NAME)


def test_each_worker_gets_an_index_and_a_dead_one_is_replaced_under_its_own(
    control_plane, namespace, job
):
    def living():
        pods = control_plane.objects("pods", namespace)
        return {
            pod["metadata"]["annotations"][INDEX]: pod
            for pod in pods
            if pod["status"]["phase"] not in ("Failed", "Succeeded")
        }

    wait_until(lambda: len(living()) == 3, "three pods", 60, 0.2)
    first = living()
    assert sorted(first) == ["0", "1", "2"]
    for pod in first.values():
        (container,) = pod["spec"]["containers"]
        names = {each["name"] for each in container.get("env", [])}
        assert "JOB_COMPLETION_INDEX" in names

    dead = first["1"]["metadata"]["name"]
    control_plane.finish_pod(dead, namespace, "Failed")

    def replaced():
        pod = living().get("1")
        return pod is not None and pod["metadata"]["name"] != dead

    wait_until(replaced, "another pod with the index 1", 60, 0.2)
    for pod in living().values():
        control_plane.finish_pod(pod["metadata"]["name"], namespace)

    def complete():
        status = control_plane.get("job", job, namespace)["status"]
        return "Complete" in [each["type"] for each in status.get("conditions", [])]

    wait_until(complete, "the Job is complete", 60, 0.2)
