"""The master's node, tainted while its CPU is overloaded: on a real API server."""

from dataclasses import replace

import pytest

from kube import resources
from kube.cluster import Cluster
from kube.errors import ClusterError
from kube.settings import ClusterSettings
from scaler.cpu_monitor import MasterMonitor
from scaler.settings import MasterSettings
from scaler.taint import OURS, offload_change
from tests.fixtures.net import wait_until
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ROOT

NODE = "master-under-test"
TAINT = {"key": "image-offload", "value": "true", "effect": "NoSchedule"}
OTHER = {"key": "other", "value": "x", "effect": "NoSchedule"}

# Any CPU is above 0 % and none is above 100 %.
OVERLOADED, CALM = 0.0, 100.0


@pytest.fixture
def cluster(control_plane):
    environ = {"KUBECONFIG": str(control_plane.kubeconfig)}
    made = Cluster(settings_from(ClusterSettings, environ))
    yield made
    made.close()


@pytest.fixture
def plane(control_plane):
    control_plane.add_node(NODE, {"kubernetes.io/hostname": NODE}, taints=[OTHER])
    yield control_plane
    control_plane.remove_node(NODE)


@pytest.fixture
def watch(cluster):
    """Starts monitors, and stops what the test has not stopped."""
    running = []

    def start(threshold, cluster=cluster, **changes):
        settings = settings_from(MasterSettings, {})
        settings = replace(
            settings,
            **{"threshold": threshold, "hysteresis": 0.0, "hold": 0.0}
            | {"interval": 0.1, "node": NODE}
            | changes,
        )
        told = []
        monitor = MasterMonitor(settings, cluster, told.append)
        monitor.start()
        running.append(monitor)
        return monitor, told

    yield start
    for each in running:
        each.stop()


def taints(plane):
    return plane.get("node", NODE)["spec"].get("taints", [])


def mark(plane):
    return plane.get("node", NODE)["metadata"].get("annotations", {}).get(OURS)


def test_an_overloaded_master_is_tainted_and_released_at_the_end(plane, watch):
    monitor, told = watch(OVERLOADED)
    wait_until(lambda: TAINT in taints(plane), "the taint", step=0.2)
    assert OTHER in taints(plane)
    assert mark(plane) == "image-offload=true:NoSchedule"
    assert told == [True]
    monitor.stop()
    assert taints(plane) == [OTHER]
    assert mark(plane) is None


def test_what_a_killed_run_has_left_behind_is_taken_away(plane, watch):
    plane.taint(NODE, "image-offload", "true")
    plane.annotate(NODE, {OURS: "image-offload=true:NoSchedule"})
    watch(CALM)
    wait_until(lambda: taints(plane) == [OTHER], "the taint is gone", step=0.2)
    assert mark(plane) is None


def test_a_taint_of_somebody_else_stays(plane, watch):
    plane.taint(NODE, "image-offload", "true")
    monitor, told = watch(OVERLOADED)
    wait_until(lambda: told == [True], "the CPU counts as overloaded")
    monitor.stop()
    assert TAINT in taints(plane)
    assert mark(plane) is None


def test_without_a_named_node_nothing_is_tainted(plane, watch):
    monitor, told = watch(OVERLOADED, node=None)
    wait_until(lambda: told == [True], "the CPU counts as overloaded")
    monitor.stop()
    assert taints(plane) == [OTHER]


def test_a_dry_run_only_says_what_it_would_do(plane, watch, caplog):
    caplog.set_level("INFO")
    watch(OVERLOADED, dry_run=True)
    wait_until(lambda: "would taint" in caplog.text, "it says so")
    assert taints(plane) == [OTHER]


def test_a_node_that_does_not_exist_is_said_once_and_ends_nothing(plane, watch, caplog):
    monitor, told = watch(OVERLOADED, node="no-such-node")
    wait_until(lambda: told == [True], "the CPU is watched all the same")
    wait_until(lambda: "cannot taint no-such-node" in caplog.text, "it says so")
    monitor.stop()
    assert caplog.text.count("cannot taint") == 1


def test_the_shipped_rights_are_enough(plane, watch):
    with plane.namespace() as namespace:
        for name in ("placement-rbac", "offload-rbac"):
            rights = (ROOT / "deploy" / f"{name}.yaml").read_text()
            rights = rights.replace("namespace: default", f"namespace: {namespace}")
            rights = rights.replace("[master]", f"[{NODE}]")
            plane.apply(rights, namespace=namespace)
        account = plane.service_account(namespace, "posture-placement")
        cluster = Cluster(settings_from(ClusterSettings, {"KUBECONFIG": str(account)}))
        monitor, _ = watch(OVERLOADED, cluster=cluster)
        wait_until(lambda: TAINT in taints(plane), "the taint", step=0.2)
        monitor.stop()
        assert taints(plane) == [OTHER]
        cluster.close()


def test_a_change_that_came_in_between_is_not_undone(plane, cluster):
    change = offload_change(cluster.get(resources.NODE, NODE), True)
    plane.taint(NODE, "fresh", "x")
    with pytest.raises(ClusterError) as refusal:
        cluster.patch(resources.NODE, NODE, change, manager="test")
    assert refusal.value.status == 409
