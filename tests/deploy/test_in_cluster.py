"""Scaler and watcher as pods of the shipped Deployments, on a real API server.

No kubelet runs here: a process stands for each pod's container, with the command, the
environment and the account's own token that the pod's specification asks for.
"""

import copy
import time

import grpc
import pytest

import externalscaler_pb2 as pb
from externalscaler_pb2_grpc import ExternalScalerStub
from kube.cluster import Cluster
from kube.errors import ClusterError
from kube.jobs import Job, Pod
from kube.lease import Election
from kube.live import LiveCluster
from kube.pinning import choice_name
from kube.resources import SCALEDJOB
from kube.settings import ClusterSettings, LeaseSettings
from tests.fixtures.in_cluster import (
    OFFLOAD,
    SCALER,
    WATCHER,
    in_cluster,
    shipped,
)
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.pods import PodProcess, pods_of
from tests.fixtures.scene import NAME
from tests.fixtures.settings import read_settings, settings_from

QUICK = {"WATCH_INTERVAL": "0.5", "HOLD": "1", "SCALER_INTERVAL": "0.5"}
NO_PORT = {"WATCHER_PORT": "0"}  # all pods share this machine


@pytest.fixture
def broker(tmp_path_factory):
    with running_mosquitto(tmp_path_factory.mktemp("broker")) as server:
        yield server


# Watchers


def test_one_of_two_watchers_works_and_the_other_takes_over(scene, tmp_path):
    with in_cluster(scene, tmp_path, **QUICK) as deployed:
        scene.load(10, 50)
        first = deployed.start(WATCHER, 0, **NO_PORT)
        first.wait_for("moved the ScaledJob")
        second = deployed.start(WATCHER, 1, **NO_PORT)
        second.wait_for("waiting for the Lease")
        assert deployed.lease()["holderIdentity"].startswith(first.name)
        scene.load(90, 10)
        wait_until(lambda: scene.pinned() == scene.b, "the first moves it", 30, 0.1)
        first.kill()
        killed = time.monotonic()
        scene.load(10, 90)
        second.wait_for("moved the ScaledJob")
        print(f"taken over after {time.monotonic() - killed:.1f} s")
        assert scene.pinned() == scene.a
        # One that ends as it should leaves the Lease at once.
        assert second.stop() == 0
        assert deployed.lease()["holderIdentity"] in (None, "")


def test_a_watcher_that_is_cut_off_changes_nothing_and_waits_again(scene, tmp_path):
    with in_cluster(scene, tmp_path, **QUICK) as deployed:
        scene.load(10, 50)
        watcher = deployed.start(WATCHER, LEASE_SECONDS="3", **NO_PORT)
        watcher.wait_for("moved the ScaledJob")
        change = {"spec": {"holderIdentity": "another"}}
        scene.plane.patch("lease", WATCHER, change, scene.namespace)
        watcher.wait_for("waiting for the Lease")
        # That other one never renews it.
        wait_until(
            lambda: deployed.lease()["holderIdentity"].startswith(watcher.name),
            "it leads again",
            30,
            0.1,
        )


# The scaler


def test_a_scaler_answers_keda_by_its_pods_own_rights(scene, tmp_path, broker):
    with in_cluster(scene, tmp_path, **QUICK, **broker.environ) as deployed:
        scene.load(10, 50)
        deployed.start(WATCHER, **NO_PORT).wait_for("moved the ScaledJob")
        port = free_port()
        changes = {"SCALER_PORT": str(port), "SCALER_METRICS_PORT": "0"}
        scaler = deployed.start(SCALER, **changes)
        scaler.wait_for(f"serving {scene.namespace}/{NAME}")
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = ExternalScalerStub(channel)
            reference = pb.ScaledObjectRef(name=NAME, namespace=scene.namespace)

            def number():
                try:
                    asked = pb.GetMetricsRequest(scaledObjectRef=reference)
                    answer = stub.GetMetrics(asked, timeout=10)
                except grpc.RpcError as error:
                    return error.details()
                return answer.metricValues[0].metricValue

            # What came before it nobody has seen: one worker has to look.
            wait_until(lambda: number() == 1, "a number", 30, 0.2)
        assert "Traceback" not in scaler.log
        assert scaler.stop() == 0


# The CPU monitor


def test_the_monitor_taints_the_node_of_its_pod_and_lets_go_at_the_end(scene, tmp_path):
    objects = shipped("offload.yaml", scene.namespace)
    for each in objects:
        for rule in each.get("rules", ()):
            rule["resourceNames"] = [scene.a]
        if each["kind"] == "Deployment":
            pod = each["spec"]["template"]["spec"]
            pod["nodeSelector"] = {"kubernetes.io/hostname": scene.a}
    scene.plane.apply(*objects, namespace=scene.namespace)
    (pod,) = pods_of(scene.plane, scene.namespace, OFFLOAD)
    busy = {"CPU_THRESHOLD": "0", "CPU_HYSTERESIS": "0", "CPU_HOLD": "0"}
    process = PodProcess(
        scene.plane, pod, tmp_path, SCALER_METRICS_PORT="0", CPU_INTERVAL="0.2", **busy
    )

    def tainted():
        taints = scene.plane.get("node", scene.a)["spec"].get("taints", [])
        return "image-offload" in [each["key"] for each in taints]

    try:
        wait_until(tainted, "the taint", 60, 0.2)
        assert process.stop() == 0, process.log
        assert not tainted()
    finally:
        process.kill()


# Rights: each verb is needed, and no other


def roles(name):
    """The rules of the Role and ClusterRole of an account, in the shipped file."""
    return [
        (each["kind"], number, verb)
        for each in shipped("placement.yaml", "x")
        if each["kind"] in ("Role", "ClusterRole")
        and each["metadata"]["name"] in (name, "posture-node-reader")
        for number, rule in enumerate(each["rules"])
        for verb in rule["verbs"]
    ]


class Account:
    """What a process does with an account's rights."""

    def __init__(self, scene, name):
        kubeconfig = scene.plane.service_account(scene.namespace, name)
        environ = {"KUBECONFIG": str(kubeconfig), "NAMESPACE": scene.namespace}
        self.settings = settings_from(ClusterSettings, environ)
        self.cluster = Cluster(self.settings)
        admission = environ | {"PLACEMENT_MODE": "admission"}
        self.admitting = Cluster(settings_from(ClusterSettings, admission))

    def look(self):
        self.cluster.snapshot()

    def look_at_the_choice(self):
        self.admitting.scaledjob()

    def choose(self):
        self.admitting.pin(self.cluster.scaledjob(), "a", "a", "a test")

    def choose_again(self):
        self.choose()

    def watch(self):
        live = LiveCluster(self.settings)
        live.start()
        try:
            until = time.monotonic() + 1
            while time.monotonic() < until:  # a watch begins after what was listed
                live.snapshot()
                time.sleep(0.1)
        finally:
            live.stop()

    def lead(self):
        lease = read_settings(LeaseSettings, name=WATCHER)
        election = Election(self.settings, lease)
        election.once()
        assert election.leads()

    def change(self):
        scaledjob = self.cluster.scaledjob()
        change = {"metadata": {"annotations": {"x": "y"}}}
        self.cluster.patch(SCALEDJOB, NAME, change, manager="test")
        self.cluster.record_event(scaledjob, "Test", "words")

    def end(self):
        # None that exists: one without the right is refused all the same.
        job = Job("none", "0", 0.0, None, (Pod("none", "n", None),))
        self.cluster.end_job(job)

    def forget(self):
        job = Job("none", "0", 0.0, None, (Pod("none", "n", None),))
        self.cluster.forget_pods(job, ["n"])


LOOKS = ("look", "look_at_the_choice", "watch")
DOES = {
    SCALER: LOOKS,
    WATCHER: (*LOOKS, "change", "choose", "choose_again", "end", "forget", "lead"),
}


def refusals(scene, name):
    """What the account is refused of all that its process does."""
    account = Account(scene, name)
    scene.plane.delete("configmap", choice_name(NAME), scene.namespace)
    # A free one, as it is shipped: the watcher may not make its own.
    (lease,) = (
        each
        for each in shipped("placement.yaml", scene.namespace)
        if each["kind"] == "Lease"
    )
    scene.plane.put(lease, scene.namespace)
    said = []
    for step in DOES[name]:
        try:
            getattr(account, step)()
        except ClusterError as error:
            assert error.status == 403, error
            said.append(str(error))
    account.cluster.close()
    return " ".join(said)


def apply_without(scene, name, kind, number, verb):
    """The shipped rights without one verb, under names of this namespace."""
    objects = [
        copy.deepcopy(each)
        for each in shipped("placement.yaml", scene.namespace)
        if each["kind"] in ("ServiceAccount", "Role", "RoleBinding")
        or each["kind"].startswith("ClusterRole")
    ]
    for each in objects:
        if each["kind"].startswith("ClusterRole"):
            each["metadata"]["name"] += f"-{scene.namespace}"
            if "roleRef" in each:
                each["roleRef"]["name"] += f"-{scene.namespace}"
        if each["kind"] == kind and each["metadata"]["name"] in (
            name,
            f"posture-node-reader-{scene.namespace}",
        ):
            each["rules"][number]["verbs"].remove(verb)
            each["rules"] = [rule for rule in each["rules"] if rule["verbs"]]
    for each in objects:
        scene.plane.put(each, scene.namespace)


@pytest.mark.parametrize("name", [SCALER, WATCHER])
def test_the_shipped_rights_are_enough_and_without_any_verb_they_are_not(scene, name):
    for kind, number, verb in roles(name):
        apply_without(scene, name, kind, number, verb)
        wait_until(
            lambda verb=verb: f"cannot {verb} resource" in refusals(scene, name),
            f"a refusal without {verb} in rule {number} of the {kind}",
            20,
            0.5,
        )
    scene.plane.apply(
        *shipped("placement.yaml", scene.namespace), namespace=scene.namespace
    )
    wait_until(lambda: refusals(scene, name) == "", "no refusal", 20, 0.5)
