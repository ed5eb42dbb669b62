"""What doctor says of nodes and pods, each made to fail; the figures are real ones."""

import base64
import json
from pathlib import Path

import pytest

from kube.nodes import Node
from launcher.checks import nodes as checks
from launcher.checks import pods
from launcher.checks.nodes import Fact
from launcher.preflight import CheckError, Doubt
from placement.loads.prometheus import Prometheus
from placement.settings import PrometheusSettings
from tests.fixtures.boards import orin_6, xavier_nx
from tests.fixtures.net import wait_until
from tests.fixtures.node_agent import running_agent
from tests.fixtures.prometheus import Exporter, running_prometheus
from tests.fixtures.settings import read_settings
from tests.launcher.test_doctor import examine

GB = 1e9


@pytest.fixture
def facts(tmp_path):
    """What a real Prometheus knows of two boards' agents and of a node exporter."""
    old, new = xavier_nx(tmp_path / "nx"), orin_6(tmp_path / "orin")
    for name in ("br_netfilter", "ip_set", "nf_conntrack", "xt_comment", "xt_set"):
        (new.sys / "module" / name).mkdir(parents=True)
    exporter = Exporter()
    exporter.tell('node_time_seconds{node="late"} 1000')
    nodes = [Node(name, name) for name in ("nx", "orin", "late")]
    with (
        running_agent(tmp_path, NODE_NAME="nx", **old.environ) as one,
        running_agent(tmp_path, NODE_NAME="orin", **new.environ) as other,
        running_prometheus(tmp_path / "prometheus", one, other, exporter) as server,
    ):
        door = Prometheus(read_settings(PrometheusSettings, url=server.url))

        def read():
            rows = door.query(checks.facts_query())
            found = checks.read_facts(rows, nodes, {})
            return found if {f.node for f in found} == {"nx", "orin", "late"} else None

        yield wait_until(read, "all", 30)
        door.close()
    exporter.stop()


def of(facts, *nodes):
    return [each for each in facts if each.node in nodes]


def said(call, *arguments):
    with pytest.raises(CheckError) as caught:
        call(*arguments)
    return str(caught.value), caught.value.remedy, type(caught.value)


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("v1.36.3+k3s1", "v1.36.3+k3s1 does not start"),
        ("v1.33.4+k3s1", "will not start from 1.35 on"),
    ],
)
def test_kernel_clock_and_disk_are_those_that_the_agents_tell(facts, version, words):
    told, mend, kind = said(checks.check_kernel, {"nx": version}, of(facts, "nx"))
    assert "nx has control groups of version 1" in told
    assert words in told
    assert "INSTALL_K3S_CHANNEL" in mend
    assert kind is Doubt
    modules = [each for each in of(facts, "nx") if each.kind != "cgroups"]
    modules.append(Fact("cgroups", "nx", 2, {}))
    told, mend, _ = said(checks.check_kernel, {}, modules)
    assert "nx br_netfilter" in told
    assert "modprobe -a br_netfilter ip_set" in mend
    assert "1 nodes are" in checks.check_kernel({}, of(facts, "orin"))

    assert checks.check_clocks(of(facts, "nx", "orin")) == "2 nodes know the time"
    told, mend, _ = said(checks.check_clocks, facts)
    assert "late by -" in told
    assert "nx by" not in told
    assert "chrony" in mend

    free = {each.node for each in facts if each.kind == "free"}
    assert free == {"nx", "orin"}


def test_without_agents_nothing_is_known_and_that_is_said():
    for check in (lambda: checks.check_kernel({}, []), lambda: checks.check_clocks([])):
        told, mend, kind = said(check)
        assert "no node agent" in told or "nobody" in told
        assert "node-agent" in mend
        assert kind is Doubt


@pytest.mark.parametrize(
    ("free", "pressed", "here", "kind", "words"),
    [
        (0.5, [], 100, CheckError, "the disk is full on n"),
        (50, ["m"], 100, CheckError, "the disk is full on m"),
        (3, [], 100, Doubt, "little room for images and pictures on n (3.0 GB)"),
        (50, [], 2, Doubt, "2.0 GB are free here"),
    ],
)
def test_a_full_disk_is_told(free, pressed, here, kind, words):
    told, mend, found = said(
        checks.check_space, [Fact("free", "n", free * GB, {})], pressed, here * GB
    )
    assert words in told
    assert "prune" in mend
    assert found is kind


def test_room_enough_is_told():
    assert checks.check_space([Fact("free", "n", 9 * GB, {})], [], 20 * GB) == (
        "at least 9 GB are free"
    )


def node(name):
    return {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}}


def volume(*hostnames):
    rule = {"key": "kubernetes.io/hostname", "operator": "In", "values": [*hostnames]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}
    return {"spec": {"nodeAffinity": {"required": terms}}}


def test_a_volume_that_is_on_one_node_is_told():
    both = [node("a"), node("b")]
    told, mend, _ = said(pods.check_volume, "pictures", volume("a"), both)
    assert "pinned to b waits for ever" in told
    assert "NFS" in mend
    pods.check_volume("pictures", volume("a", "b"), both)
    pods.check_volume("pictures", {"spec": {}}, both)


def secret(text):
    return {"data": {".dockerconfigjson": base64.b64encode(text.encode()).decode()}}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "there is no Secret mine"),
        ({"data": {}}, "holds no login"),
        ({}, "holds no login"),
        (secret("no JSON"), "holds no login"),
        (secret('{"auths": {"other:5000": {}}}'), "no login for ghcr.io"),
    ],
)
def test_a_pull_secret_that_does_not_serve_is_told(found, words):
    told, mend, _ = said(pods.check_pull_secret, "mine", found, "ghcr.io/me/posture")
    assert words in told
    assert "--docker-server=ghcr.io" in mend


def test_a_pull_secret_that_serves_passes():
    for registry, repository in (
        ("ghcr.io", "ghcr.io/me/posture"),
        ("https://index.docker.io/v1/", "me/posture"),
    ):
        good = secret(json.dumps({"auths": {registry: {}}}))
        pods.check_pull_secret("mine", good, repository)


def test_a_pod_that_waits_for_its_image_is_told():
    waiting = {"reason": "ImagePullBackOff", "message": "401 Unauthorized"}
    pod = {
        "metadata": {"labels": {"app.kubernetes.io/part-of": "posture-analyzer"}},
        "spec": {"nodeName": "jetson1"},
        "status": {
            "containerStatuses": [{"image": "i", "state": {"waiting": waiting}}]
        },
    }
    told, mend, _ = said(pods.check_pods, [pod])
    assert told == "jetson1 cannot pull i: 401 Unauthorized"
    assert "IMAGE_PULL_SECRET" in mend
    pods.check_pods([pod | {"metadata": {}}])


def test_doctor_asks_all_of_it_and_says_what_is_missing(site):
    manifest = site.folder.parent / "site" / "claims.yaml"
    text = Path(site.environ["BASE_MANIFEST"]).read_text()
    claim = "persistentVolumeClaim: {claimName: pictures}"
    manifest.write_text(text.replace("emptyDir:\n              sizeLimit: 2Gi", claim))
    told = {"BASE_MANIFEST": str(manifest), "IMAGE_PULL_SECRET": "absent"}
    done, found = examine(site, **told)
    assert done.process.returncode == 3
    assert found["volumes"][0] == "FAIL"
    assert "volume claim pictures, which is not there" in found["volumes"][1]
    assert "no Secret absent" in found["pulls"][1]
    assert found["kernel"][0] == "warn"
    assert "no node agent" in found["kernel"][1]
    assert found["clocks"][0] == "warn"
