"""Scaler and watcher as Deployments: a launch and its stop on a real API server."""

import json

import pytest

from common.errors import OperatorError
from launcher.placement_objects import MANIFEST, objects, options, settings
from tests.fixtures.net import wait_until
from tests.fixtures.site import NAME, ROOT

LAUNCH = ("build_and_push.py", "--skip-build", "--yes", "--in-cluster")
KINDS = (
    *("deployments", "services", "serviceaccounts", "roles", "rolebindings"),
    *("networkpolicies", "poddisruptionbudgets", "configmaps", "secrets"),
    "scaledjobs",
)
OURS = "posture-analyzer/made-by=launcher"


def ours(site):
    """All objects that the launcher has made, here and in the whole cluster."""
    found = []
    for kind in KINDS:
        found += site.plane.names(kind, site.namespace, OURS)
    for kind in ("clusterroles", "clusterrolebindings"):
        names = site.plane.names(kind, selector=OURS)
        found += [each for each in names if each.endswith(site.namespace)]
    return found


def run(site, environ, *command, start=None):
    done = (start or site.call)(*command, **environ)
    assert done.process.returncode == 0, done.output
    return done


def test_a_launch_into_the_cluster_and_its_stop(site, keda, kubelet, environ):
    done = run(site, environ, *LAUNCH, start=site.run)
    assert "posture-scaler and posture-watcher are up" in done.output
    assert site.record("keeper") is None
    scaledjob = site.plane.get("scaledjob", NAME, site.namespace)
    (trigger,) = scaledjob["spec"]["triggers"]
    address = f"posture-scaler.{site.namespace}.svc:50051"
    assert trigger["metadata"]["scalerAddress"] == address
    told = site.plane.get("configmap", "posture-placement", site.namespace)["data"]
    assert told["NODE_LABEL"] == "of-site"
    assert not {"KUBECONFIG", "MQTT_HOST", "SCALER_PORT"} & told.keys()
    binding = f"posture-node-reader-{site.namespace}"
    subjects = site.plane.get("clusterrolebinding", binding)["subjects"]
    assert {each["namespace"] for each in subjects} == {site.namespace}

    # Once more changes nothing but who was asked.
    before = set(ours(site))
    run(site, environ, *LAUNCH)
    assert set(ours(site)) == before
    assert len(before) > 15

    run(site, {}, "stop.py", "--all", start=site.run)
    wait_until(lambda: ours(site) == [], "nothing is left", 60, 0.5)


def test_helpers_here_take_the_place_of_those_in_the_cluster(
    site, keda, kubelet, environ
):
    run(site, environ, *LAUNCH)
    command = ("build_and_push.py", "--skip-build", "--yes", "--detach")
    done = run(site, {}, *command, start=site.run)
    assert "Deployment posture-scaler" in done.output
    assert site.record("scaler")

    def deployed() -> list[str]:
        return [each for each in ours(site) if "deployment" in each]

    # What is deleted takes a moment to go.
    wait_until(lambda: deployed() == [], "the Deployments are gone", 60)
    # And the other way round.
    run(site, environ, *LAUNCH)
    assert site.record("scaler") is None
    run(site, {}, "stop.py", "--all")


def test_what_others_have_made_is_left_alone(site, keda, environ):
    (service,) = [
        each
        for each in objects((ROOT / MANIFEST).read_text(), site.namespace, NAME)
        if each["kind"] == "Service"
    ]
    site.plane.apply(service, namespace=site.namespace)
    done = site.call(*LAUNCH, **environ)
    assert done.process.returncode == 1
    assert "was not made by this launcher" in done.output
    stopped = run(site, {}, "stop.py", "--all")
    assert "left alone, as somebody else has made it: Service posture-scaler" in (
        stopped.output
    )
    assert site.plane.get("service", "posture-scaler", site.namespace)


def test_pods_that_do_not_come_up_are_said(site, keda, environ):
    done = site.call(*LAUNCH, READY_WITHIN="3", **environ)
    assert done.process.returncode == 1
    assert "not up after 3 s: posture-scaler, posture-watcher" in done.output
    assert run(site, {}, "stop.py", "--all")


def test_a_dry_run_makes_nothing(site, keda, environ):
    done = run(
        site, environ, "build_and_push.py", "--skip-build", "--dry-run", "--in-cluster"
    )
    assert "would apply" in done.output
    assert ours(site) == []


def test_a_prometheus_that_no_pod_reaches_is_refused(site, keda):
    done = site.call(*LAUNCH)
    assert done.process.returncode == 1
    assert "PROMETHEUS_URL leads to the machine that asks" in done.output
    run(site, {}, "stop.py", "--all")


def test_two_namespaces_share_no_object_of_the_cluster():
    text = (ROOT / MANIFEST).read_text()
    names = [
        {
            (each["kind"], each["metadata"]["name"])
            for each in objects(text, namespace, NAME)
            if each["kind"].startswith("Cluster")
        }
        for namespace in ("one", "other")
    ]
    assert len(names[0]) == 2
    assert not names[0] & names[1]
    rules = json.dumps(objects(text, "one", "mine"))
    assert "posture-analyzer-scaledjob" not in rules


def test_settings_that_name_files_are_refused():
    (option,) = [each for each in options() if each.env == "PROMETHEUS_CA_FILE"]
    with pytest.raises(OperatorError, match=r"PROMETHEUS_CA_FILE.*no pod has"):
        settings([(option, "/etc/ca.pem")])
