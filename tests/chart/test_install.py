"""The chart on a real API server: installed, changed, side by side, and gone."""

import json
import subprocess

import pytest

from tests.fixtures.control_plane import keda_job
from tests.fixtures.helm import CHART, NEEDED
from tests.fixtures.net import wait_until
from tests.fixtures.ready_keda import running_keda
from tests.fixtures.worker import ROOT

SETS = [part for each in NEEDED for part in ("--set", each)]
KINDS = (
    "scaledjob,deployment,daemonset,cronjob,service,configmap,secret,serviceaccount,"
    "role,rolebinding,poddisruptionbudget,networkpolicy"
)


@pytest.fixture
def installed(helm, control_plane, request):
    """Installs into a namespace; takes away what is left at the end."""
    made = []

    def install(namespace, name, *values, check=True):
        more = [part for each in values for part in ("--set", each)]
        done = helm.run(
            "upgrade", "--install", name, CHART, "--namespace", namespace, *SETS, *more,
            kubeconfig=control_plane.kubeconfig,
        )  # fmt: skip
        made.append((namespace, name))
        if check:
            assert done.returncode == 0, done.stderr
        return done

    yield install
    for namespace, name in made:
        helm.run(
            "uninstall", name, "--namespace", namespace, "--ignore-not-found",
            kubeconfig=control_plane.kubeconfig,
        )  # fmt: skip


def everything(plane, namespace):
    found = plane.names(KINDS, namespace)
    cluster = plane.names("clusterrole,clusterrolebinding,validatingadmissionpolicy")
    own = ("serviceaccounts/default", "configmaps/kube-root-ca.crt")
    mine = [each for each in cluster if each.endswith(f"-{namespace}")]
    return sorted([each for each in found if each not in own] + mine)


def test_installed_and_uninstalled_it_leaves_nothing(helm, control_plane, installed):
    with (
        control_plane.namespace() as namespace,
        # Where other tests have left nodes, agents have theirs, and end there.
        running_keda(control_plane, f"{namespace}-agent"),
    ):
        installed(
            namespace,
            "posture",
            "page.enabled=true",
            "nudge.enabled=true",
            "offload.enabled=true",
            "offload.node=master",
            f"nodeAgent.namespace={namespace}-agent",
        )
        names = everything(control_plane, namespace)
        assert "scaledjobs/posture-analyzer-scaledjob" in names
        role = f"posture-node-reader-{namespace}"
        assert f"clusterroles/{role}" in names
        helm(
            "uninstall", "posture", "--namespace", namespace, "--wait",
            kubeconfig=control_plane.kubeconfig,
        )  # fmt: skip
        assert everything(control_plane, namespace) == []


def test_the_watchers_choice_survives_an_upgrade(helm, control_plane, installed):
    with control_plane.namespace() as namespace:
        installed(namespace, "posture", "nodeAgent.enabled=false")
        choice = {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {
                                "key": "kubernetes.io/hostname",
                                "operator": "In",
                                "values": ["jetson1"],
                            }
                        ]
                    }
                ]
            }
        }
        pod = {"affinity": {"nodeAffinity": choice}}
        patch = {"spec": {"jobTargetRef": {"template": {"spec": pod}}}}
        name = "posture-analyzer-scaledjob"
        control_plane.patch(
            "scaledjob", name, patch, namespace, manager="gpu-affinity-watcher"
        )

        installed(
            namespace, "posture", "nodeAgent.enabled=false", "analyzer.env.NOTHING=new"
        )
        job = control_plane.get("scaledjob", name, namespace)
        spec = job["spec"]["jobTargetRef"]["template"]["spec"]
        assert spec["affinity"]["nodeAffinity"] == choice
        assert {"name": "NOTHING", "value": "new"} in spec["containers"][0]["env"]


def test_two_releases_live_side_by_side_and_one_instance_is_not_installed_twice(
    control_plane, installed
):
    with control_plane.namespace() as namespace:
        installed(namespace, "hall", "nodeAgent.enabled=false")
        installed(namespace, "attic", "nodeAgent.enabled=false")
        names = everything(control_plane, namespace)
        assert "deployments/hall-scaler" in names
        assert "deployments/attic-scaler" in names

        again = installed(
            namespace, "other", "instance=hall", "nodeAgent.enabled=false", check=False
        )
        assert again.returncode
        assert "hall-" in again.stderr
        assert "cannot be imported" in again.stderr or "conflict" in again.stderr


def test_the_watcher_may_delete_our_jobs_and_no_others(control_plane, installed):
    with control_plane.namespace() as namespace:
        installed(namespace, "posture", "nodeAgent.enabled=false")
        scaledjob = control_plane.get(
            "scaledjob", "posture-analyzer-scaledjob", namespace
        )
        ours = keda_job(scaledjob)
        foreign = json.loads(json.dumps(ours))
        foreign["metadata"] = {"name": "payroll"}
        foreign["spec"]["template"]["metadata"]["labels"] = {"app": "payroll"}
        for each in (ours, foreign):
            control_plane.create(each, namespace)
        watcher = control_plane.service_account(namespace, "posture-watcher")

        def delete(name, *flags):
            return subprocess.run(
                [control_plane.kubectl_path, f"--kubeconfig={watcher}", "delete", "job",
                 name, "-n", namespace, "--wait=false", *flags],
                capture_output=True, text=True, check=False,
            )  # fmt: skip

        # The API server learns of a policy a moment after it has taken it.
        said = "payroll is none of them"
        wait_until(
            lambda: said in delete("payroll", "--dry-run=server").stderr, "in force"
        )
        refused = delete("payroll")
        assert refused.returncode
        assert said in refused.stderr
        assert delete(ours["metadata"]["name"]).returncode == 0


def test_every_object_is_valid_to_the_server(helm, control_plane, kustomize, tmp_path):
    with control_plane.namespace() as namespace:
        for found in (
            helm.template(
                "page.enabled=true", "nudge.enabled=true", namespace=namespace
            ),
            kustomize(ROOT),
        ):
            known = [
                each
                for each in found.values()
                if not each["apiVersion"].startswith("monitoring.coreos.com")
            ]
            agent = [
                each["metadata"]["namespace"]
                for each in known
                if each["kind"] == "DaemonSet"
            ]
            control_plane.create_namespace(agent[0])
            try:
                for each in known:
                    control_plane.would_take(each)
            finally:
                control_plane.delete("namespace", agent[0])
                control_plane.wait_gone("namespace", agent[0])
