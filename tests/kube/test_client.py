"""The door to the API server: every refusal says what is missing."""

import json

import pytest
import yaml

from kube.cluster import Cluster
from kube.errors import ClusterError
from kube.settings import ClusterSettings
from tests.fixtures.control_plane import ROOT
from tests.fixtures.http_answers import answering
from tests.fixtures.net import free_port
from tests.fixtures.settings import read_settings

LATER = 4e9


def test_the_shipped_rights_are_enough_for_everything(scene):
    rights = (ROOT / "deploy" / "placement-rbac.yaml").read_text()
    rights = rights.replace("namespace: default", f"namespace: {scene.namespace}")
    scene.plane.apply(rights, namespace=scene.namespace)
    account = scene.plane.service_account(scene.namespace, "posture-placement")
    as_account = {"KUBECONFIG": str(account), "LOST_AFTER": "10"}
    scene.load(10, 50)
    watcher = scene.watcher(**as_account)
    watcher.look(0, LATER)
    job = scene.start_job()
    scene.plane.set_ready(scene.a, ready=False)
    watcher.look(10, LATER)
    watcher.look(20, LATER)
    scene.wait_gone(job)
    assert scene.events() == ["JobReplaced", "NodeChosen", "NodeChosen"]


WITHOUT = {
    "nodes": 'cannot list resource "nodes"',
    "scaledjobs": 'cannot get resource "scaledjobs" in API group "keda.sh"',
    "jobs": 'cannot list resource "jobs" in API group "batch"',
    "pods": 'cannot list resource "pods"',
}


@pytest.mark.parametrize(("resource", "words"), WITHOUT.items(), ids=WITHOUT)
def test_a_missing_right_is_named_with_its_verb_and_resource(scene, resource, words):
    account = _account_without(scene, resource)
    scene.load(10, 50)
    with pytest.raises(ClusterError, match=words) as caught:
        scene.watcher(KUBECONFIG=str(account)).look(0, LATER)
    assert "deploy/placement-rbac.yaml" in str(caught.value)
    assert scene.pinned() is None


def _account_without(scene, resource):
    """An account that may read everything but one resource."""
    kinds = {"": ["nodes", "pods"], "batch": ["jobs"], "keda.sh": ["scaledjobs"]}
    rules = [
        {
            "apiGroups": [group],
            "resources": [each for each in names if each != resource],
            "verbs": ["get", "list"],
        }
        for group, names in kinds.items()
        if names != [resource]
    ]
    name, group = f"{scene.namespace}-some", "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": "some", "namespace": scene.namespace}
    scene.plane.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "some"}},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name},
            "rules": rules,
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [subject],
        },
        namespace=scene.namespace,
    )
    return scene.plane.service_account(scene.namespace, "some")


def test_a_right_to_read_alone_moves_nothing_and_says_patch(scene):
    account = _account_without(scene, "nothing")
    scene.load(10, 50)
    with pytest.raises(ClusterError, match='cannot patch resource "scaledjobs"'):
        scene.watcher(KUBECONFIG=str(account)).look(0, LATER)
    assert scene.pinned() is None


def test_an_event_that_may_not_be_recorded_stops_nothing(scene, caplog):
    scene.load(10, 50)
    watcher = scene.watcher()

    def refused(*arguments):
        reader = _account_without(scene, "nothing")
        settings = scene.settings(KUBECONFIG=str(reader)).cluster
        return Cluster(settings).record_event(*arguments)

    scene.cluster.record_event = refused
    watcher.look(0, LATER)
    assert scene.pinned() == scene.a
    assert 'cannot create resource "events"' in caplog.text


def test_a_token_that_is_not_accepted_is_said(scene):
    stranger = scene.plane.kubeconfig_for("stranger", token="wrong")
    with pytest.raises(ClusterError, match="log in again"):
        scene.watcher(KUBECONFIG=str(stranger)).look(0, LATER)


def test_a_cluster_without_keda_is_said(scene):
    cluster = Cluster(scene.settings(SCALEDJOB="another").cluster)
    with pytest.raises(ClusterError, match='"another" not found') as caught:
        cluster.scaledjob()
    assert caught.value.status == 404


# What no real server does when asked, by a server of the test's own


def kubeconfig(folder, port, **user):
    """A kubeconfig for a server on loopback."""
    cluster = {"server": f"http://127.0.0.1:{port}"}
    context = {"cluster": "c", "user": "u"}
    text = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": context}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(text))
    return path


def door(folder, port, **texts):
    path = kubeconfig(folder, port)
    return Cluster(read_settings(ClusterSettings, kubeconfig=str(path), **texts))


@pytest.fixture
def answers():
    with answering() as server:
        yield server


def test_an_overloaded_server_is_asked_again_when_it_says(tmp_path, answers):
    answers.say("429 Too Many Requests", b"{}", head="Retry-After: 0")
    answers.then("200 OK", json.dumps({"items": []}).encode())
    assert door(tmp_path, answers.port).nodes() == []
    assert len(answers.requests) == 2


def test_a_server_that_stays_overloaded_is_an_error(tmp_path, answers):
    answers.say(
        "429 Too Many Requests", b'{"message": "slow down"}', head="Retry-After: 0"
    )
    with pytest.raises(ClusterError, match="slow down") as caught:
        door(tmp_path, answers.port).nodes()
    assert caught.value.status == 429
    assert len(answers.requests) == 3


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        ("200 OK", b"<html>", "no good answer"),
        ("200 OK", b'{"items": [', "no good answer"),
        ("502 Bad Gateway", b"<html>", "502 Bad Gateway"),
        ("500 Internal Server Error", b'{"message": "etcd is gone"}', "etcd is gone"),
    ],
)
def test_a_broken_answer_is_an_error(tmp_path, answers, status, body, words):
    answers.say(status, body)
    with pytest.raises(ClusterError, match=words):
        door(tmp_path, answers.port).nodes()


def test_a_silent_server_is_given_up_at_the_deadline(tmp_path, answers):
    answers.pieces = [(60, b"")]
    with pytest.raises(ClusterError, match=r"no good answer.*timed out"):
        door(tmp_path, answers.port, deadline="0.3").nodes()


def test_nobody_there_is_an_error(tmp_path):
    with pytest.raises(ClusterError, match=r"no good answer.*refused"):
        door(tmp_path, free_port()).nodes()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no cluster"),
        ("", "no cluster"),
        ("a: [", "no cluster"),
        ("[]", "no cluster"),
        ("apiVersion: v1\nkind: Config\n", "no cluster"),
    ],
)
def test_without_a_usable_kubeconfig_there_is_no_cluster(tmp_path, text, words):
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ClusterError, match=words):
        Cluster(read_settings(ClusterSettings, kubeconfig=str(path)))


def test_a_context_that_does_not_exist_is_named(tmp_path):
    path = str(kubeconfig(tmp_path, 1))
    with pytest.raises(ClusterError, match="nosuch"):
        Cluster(read_settings(ClusterSettings, kubeconfig=path, context="nosuch"))
