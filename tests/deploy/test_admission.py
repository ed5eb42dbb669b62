"""The choice in a ConfigMap, and an admission policy that gives it to Jobs.

On a real API server that has such policies (Kubernetes 1.36).
"""

import pytest

from kube import scaledjobs
from kube.pinning import choice_name
from kube.settings import ClusterSettings
from placement.settings import WatcherSettings
from scaler.snapshot import situation
from tests.fixtures.control_plane import ROOT, keda_creates_job, keda_job
from tests.fixtures.net import wait_until
from tests.fixtures.scene import NAME
from tests.fixtures.settings import read_settings

LATER = 4e9
MODE = {"PLACEMENT_MODE": "admission"}


@pytest.fixture(scope="module")
def policy(control_plane):
    """The policy in force, made once.

    An API server of 1.36.3 that has forgotten its last policy with a ConfigMap goes on
    with the ConfigMaps of then for the next one.
    """
    text = (ROOT / "deploy" / "admission.yaml").read_text()
    control_plane.apply(text)
    yield
    control_plane.kubectl("delete", "-f", "-", stdin=text)


@pytest.fixture
def admitting(policy, scene):
    """A scene whose Jobs get their node from the policy."""
    # It is known to the server a moment after it was made.
    wait_until(lambda: denied(scene), "the policy is in force", 30, 0.2)
    return scene


@pytest.fixture(scope="module", autouse=True)
def _forgotten(control_plane):
    """Jobs of other tests are not refused for it afterwards."""
    yield
    with control_plane.namespace() as namespace:
        control_plane.apply(
            (ROOT / "posture-job.yaml").read_text(), namespace=namespace
        )

        def made():
            try:
                return keda_creates_job(control_plane, namespace, NAME)
            except AssertionError:
                return None

        wait_until(made, "the policy is in force no more", 30, 0.2)


def admitted(scene):
    """The node that a Job would get now; None if it is refused."""
    job = keda_job(scene.scaledjob())
    try:
        made = scene.plane.create(job, scene.namespace, dry_run=True)
    except AssertionError:
        return None
    pod = made["spec"]["template"]["spec"]
    return pod["nodeSelector"].get("kubernetes.io/hostname")


def start_job_on(scene, node):
    """Make a Job once the policy knows the choice, as KEDA does at its next poll."""
    wait_until(lambda: admitted(scene) == node, f"Jobs go to {node}", 30, 0.2)
    job = scene.start_job()
    assert scene.node_of(job) == node
    return job


def denied(scene):
    """Whether a Job is refused now; one that was made is deleted."""
    try:
        job = keda_creates_job(scene.plane, scene.namespace, NAME)
    except AssertionError as error:
        return "posture-placement" in str(error)
    scene.plane.delete("job", job, scene.namespace)
    return False


def test_without_a_choice_no_job_is_made(admitting):
    assert denied(admitting)
    # A Job of nobody's concern is none of ours.
    admitting.plane.kubectl(
        "create", "job", "other", "--image=example/none", "-n", admitting.namespace
    )


def test_a_job_is_born_on_the_chosen_node_and_the_scaledjob_stays_as_it_is(admitting):
    scene = admitting
    scene.load(10, 50)
    before = scene.scaledjob()
    watcher = scene.watcher(HOLD="0", **MODE)
    watcher.look(0, LATER)
    chosen = scene.plane.get("configmap", choice_name(NAME), scene.namespace)["data"]
    assert (chosen["node"], chosen["hostname"]) == (scene.a, scene.a)
    job = start_job_on(scene, scene.a)
    scene.load(90, 10)
    watcher.look(10, LATER)
    scene.plane.delete("job", job, scene.namespace)
    newer = start_job_on(scene, scene.b)
    after = scene.scaledjob()
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["spec"] == before["spec"]
    # The gpu-node selector of the manifest is still there beside it.
    selector = scene.jobs()[newer]["spec"]["template"]["spec"]["nodeSelector"]
    assert selector == {"gpu-node": "true", "kubernetes.io/hostname": scene.b}


def test_the_scaler_and_the_watcher_know_what_is_carried(admitting):
    scene = admitting
    scene.load(10, 50)
    scene.watcher(**MODE).look(0, LATER)
    start_job_on(scene, scene.a)
    seen = scene.cluster.snapshot()
    assert situation(seen, 0).carried.node == scene.a
    (job,) = seen.jobs
    assert job.hostname == scene.a


@pytest.mark.parametrize(("loads", "chosen"), [((10, 50), "a"), ((90, 10), "b")])
def test_a_pin_of_the_other_mode_is_taken_away(admitting, loads, chosen):
    scene = admitting
    scene.load(10, 50)
    scene.watcher().look(0, LATER)
    assert scaledjobs.pinned_node(scene.scaledjob()) == scene.a
    scene.load(*loads)
    watcher = scene.watcher(HOLD="0", **MODE)
    watcher.look(0, LATER)
    watcher.look(10, LATER)
    assert scaledjobs.pinned_node(scene.scaledjob()) is None
    assert scene.a not in str(scene.scaledjob()["spec"])
    start_job_on(scene, getattr(scene, chosen))


def test_both_name_the_same_configmap():
    settings = read_settings(ClusterSettings)
    text = (ROOT / "deploy" / "admission.yaml").read_text()
    assert f"name: {choice_name(settings.scaledjob)}" in text
    assert read_settings(WatcherSettings).cluster.placement == "affinity"
