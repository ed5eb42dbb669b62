"""Launcher and chart in one cluster: they know each other, and take over in turn.

With the real Helm 3 and 4, on a real API server.
"""

import pytest
import yaml

from common.errors import OperatorError
from kube.cluster import Cluster
from kube.settings import ClusterSettings
from launcher.adoption import Adoption
from tests.fixtures.helm import CHART, NEEDED
from tests.fixtures.in_cluster import config_map
from tests.fixtures.net import wait_until
from tests.fixtures.settings import settings_from
from tests.fixtures.site import NAME

LAUNCH = ("build_and_push.py", "--skip-build", "--yes", "--in-cluster")
SETS = [part for each in NEEDED for part in ("--set", each)]
MADE_BY = "posture-analyzer/made-by"
RELEASED = "deployment,cronjob,daemonset,service,scaledjob,role,networkpolicy,configmap"


def run(site, environ, *command, code=0, start=None):
    done = (start or site.call)(*command, **environ)
    assert done.process.returncode == code, done.output
    return done.output


def install(helm, site, name, *more, check=True):
    done = helm.run(
        "install", name, CHART, "--namespace", site.namespace,
        "--set", f"nodeAgent.namespace={site.namespace}-agent",
        *more, kubeconfig=site.plane.kubeconfig,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr
    return done


def releases(helm, site):
    listed = helm(
        "list", "-q", "--namespace", site.namespace, kubeconfig=site.plane.kubeconfig
    )
    return listed.split()


def makers(site, *, kinds=RELEASED):
    """Who has made what, by kind and name."""
    return {
        (each["kind"], each["metadata"]["name"]): each["metadata"]
        .get("labels", {})
        .get(MADE_BY)
        for kind in kinds.split(",")
        for each in site.plane.objects(kind, site.namespace)
    }


def left(site):
    found = makers(site, kinds=f"{RELEASED},secret,serviceaccount,rolebinding")
    own = ("kube-root-ca.crt", "default")
    found = sorted(key for key in found if key[1] not in own)
    kinds = "clusterrole,clusterrolebinding,validatingadmissionpolicy"
    names = site.plane.names(kinds)
    return found + [each for each in names if each.endswith(site.namespace)]


def has_its_pods(site):
    """Whether no Deployment goes on making pods."""
    return all(
        each.get("status", {}).get("replicas") == each["spec"]["replicas"]
        for each in site.plane.objects("deployments", site.namespace)
    )


@pytest.fixture
def secret(site):
    """As a user of the chart makes it, by hand."""
    wanted = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "posture-analyzer"},
        "stringData": {"SUPABASE_PASSWORD": "by-hand"},
    }
    site.plane.create(wanted, site.namespace)


def test_the_launcher_takes_a_release_over(
    helm, site, keda, kubelet, environ, secret, tmp_path
):
    install(helm, site, "posture", *SETS)
    uid = site.plane.get("scaledjob", NAME, site.namespace)["metadata"]["uid"]
    wait_until(lambda: has_its_pods(site), "the Deployments' pods are made")
    before = site.snapshot()

    # Unasked it changes nothing, and neither does a stop.
    refused = run(site, environ, *LAUNCH, code=3)
    assert f"{NAME} is of the Helm release posture" in refused
    assert "build_and_push.py --adopt" in refused
    stopped = run(site, {}, "stop.py", "--all")
    assert f"helm -n {site.namespace} uninstall posture" in stopped
    assert "as the Helm release posture has made it: Deployment posture-" in stopped
    shown = run(site, environ, *LAUNCH, "--dry-run", "--adopt")
    assert "objects of the Helm release posture" in shown
    assert site.snapshot() == before

    said = run(site, environ, *LAUNCH, "--adopt", start=site.run)
    assert "the Helm release posture is no more" in said, said
    assert releases(helm, site) == []
    after = makers(site)
    assert after["ScaledJob", NAME] == after["Deployment", "posture-scaler"]
    assert after["Deployment", "posture-scaler"] == "launcher"
    assert after["CronJob", "posture-retention"] is None
    found = site.plane.get("scaledjob", NAME, site.namespace)["metadata"]
    assert found["uid"] == uid
    assert "meta.helm.sh/release-name" not in found["annotations"]
    assert "helm.sh/chart" not in found["labels"]
    # Twice is as once.
    assert "nothing of the chart" in run(site, environ, *LAUNCH, "--adopt")

    run(site, {}, "stop.py", "--all")

    def names():
        return {each[1] for each in left(site) if isinstance(each, tuple)}

    wait_until(lambda: "posture-scaler" not in names(), "the launcher's are gone", 60)
    assert "posture-retention" in names()
    adopted = site.folder / "run" / "adopted.yaml"
    site.plane.kubectl("delete", "-f", str(adopted), "--wait=false")
    wait_until(lambda: left(site) == [], "nothing is left", 60)


def test_helm_takes_over_what_the_launcher_has_made(helm, site, keda, kubelet, environ):
    run(site, environ, *LAUNCH)
    uid = site.plane.get("scaledjob", NAME, site.namespace)["metadata"]["uid"]
    values = site.folder / "run" / "values.yaml"
    told = yaml.safe_load(values.read_text())
    assert told["instance"] == "posture"
    assert told["placement"]["settings"]["NODE_LABEL"] == "of-site"
    assert "PASSWORD" not in values.read_text()
    wanted = ["-f", values, "--set", "settings.MQTT_HOST=broker"]

    refused = install(helm, site, "mine", *wanted, check=False)
    assert "posture-launcher" in refused.stderr
    wanted.append("--take-ownership")
    if "v4" in helm("version"):
        wanted.append("--force-conflicts")
    install(helm, site, "mine", *wanted)
    found = site.plane.get("scaledjob", NAME, site.namespace)
    assert found["metadata"]["uid"] == uid
    template = found["spec"]["jobTargetRef"]["template"]["spec"]
    assert template["affinity"]["nodeAffinity"], "the watcher's choice stays"
    assert "launcher" not in makers(site).values()

    # What is the release's stays, and so do the Secrets that its pods read.
    said = run(site, {}, "stop.py", "--all")
    assert "the Helm release mine" in said
    assert makers(site)["Deployment", "posture-scaler"] == "chart"
    assert site.plane.get("secret", "posture-analyzer", site.namespace)
    helm(
        "uninstall", "mine", "--namespace", site.namespace, "--wait",
        kubeconfig=site.plane.kubeconfig,
    )  # fmt: skip
    run(site, {}, "stop.py", "--all")
    wait_until(lambda: left(site) == [], "nothing is left", 60)


@pytest.mark.parametrize("helm", ["helm3"], indirect=True)
def test_a_release_with_other_names_lives_beside_the_launcher(
    helm, site, keda, kubelet, environ
):
    install(helm, site, "hall", *SETS)
    hall = {key: who for key, who in makers(site).items() if key[1].startswith("hall-")}
    run(site, environ, *LAUNCH)
    run(site, {}, "stop.py", "--all")
    assert hall.items() <= makers(site).items()
    gone = ("Deployment", "posture-scaler")
    wait_until(lambda: gone not in makers(site), "the launcher's are gone", 60)
    helm(
        "uninstall", "hall", "--namespace", site.namespace,
        kubeconfig=site.plane.kubeconfig,
    )  # fmt: skip


def test_a_second_launch_of_another_name_is_refused_in_one_namespace(
    site, keda, kubelet, environ, tmp_path
):
    run(site, environ, *LAUNCH)
    other = tmp_path / "other.yaml"
    text = (site.folder / "patched-job.yaml").read_text()
    other.write_text(text.replace(NAME, "other"))
    environ = environ | {"SCALEDJOB": "other", "BASE_MANIFEST": str(other)}
    said = run(site, environ, *LAUNCH, code=3)
    assert f"the launcher has installed {NAME} in {site.namespace} already" in said


def test_what_the_release_before_has_made_is_taken_away_too(
    site, keda, kubelet, environ
):
    run(site, environ, *LAUNCH)
    kinds = f"{RELEASED},secret,serviceaccount,rolebinding,pdb"
    # Before the label of our own there was only the one that Helm wants for itself.
    site.plane.kubectl(
        "label", kinds, "-n", site.namespace, "-l", MADE_BY, f"{MADE_BY}-"
    )
    for kind in ("clusterrole", "clusterrolebinding"):
        name = f"posture-node-reader-{site.namespace}"
        site.plane.label(kind, name, {MADE_BY: None})
    run(site, {}, "stop.py", "--all")
    wait_until(lambda: left(site) == [], "nothing is left", 60, 0.5)


# What cannot be taken over


@pytest.fixture
def adoption(site, tmp_path):
    environ = {"KUBECONFIG": str(site.plane.kubeconfig), "NAMESPACE": site.namespace}
    cluster = Cluster(settings_from(ClusterSettings, environ))
    return Adoption(lambda: cluster, NAME, tmp_path / "adopted.yaml")


def released(site, **releases):
    """ConfigMaps as if these Helm releases had made them."""
    for name, release in releases.items():
        made = config_map(f"posture-{name}", {})
        made["metadata"]["annotations"] = {"meta.helm.sh/release-name": release}
        site.plane.apply(made, namespace=site.namespace)


def test_two_releases_are_not_taken_over_as_one(site, adoption):
    released(site, analyzer="hall", placement="attic")
    with pytest.raises(OperatorError, match=r"several Helm releases .*: attic, hall;"):
        adoption.take()


def test_without_helms_record_nothing_is_taken_over(site, adoption):
    released(site, analyzer="hall", placement="hall")
    before = site.snapshot()
    with pytest.raises(OperatorError, match="no Secret with Helm's record of the"):
        adoption.take()
    assert site.snapshot() == before


def test_what_flux_keeps_is_not_taken_over(site, adoption):
    released(site, analyzer="hall")
    flux = {"helm.toolkit.fluxcd.io/name": "sitting"}
    site.plane.label("configmap", "posture-analyzer", flux, site.namespace)
    with pytest.raises(OperatorError, match="Flux would install it again"):
        adoption.take()


def test_a_try_that_broke_off_near_its_end_is_ended(site, adoption):
    released(site, analyzer="hall")
    assert "1 taken over" in adoption.take()
    assert makers(site)["ConfigMap", "posture-analyzer"] == "launcher"
    assert adoption.take() == "nothing of the chart is here"


def test_a_record_that_cannot_be_read_is_named(site, adoption):
    released(site, analyzer="hall")
    labels = {"owner": "helm", "name": "hall", "version": "1"}
    record = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "sh.helm.release.v1.hall.v1", "labels": labels},
        "stringData": {"release": "x"},
    }
    site.plane.create(record, site.namespace)
    with pytest.raises(OperatorError, match=r"hall.v1: not a record of Helm"):
        adoption.take()
