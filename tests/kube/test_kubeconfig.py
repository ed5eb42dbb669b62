"""What a kubeconfig leads to, before anything is asked there."""

import os

import pytest
import yaml

from kube.client import Client
from kube.errors import ClusterError
from kube.settings import ClusterSettings
from tests.fixtures.settings import read_settings


@pytest.fixture
def kubeconfig(tmp_path):
    """Writes one with this user and context; gives its path."""

    def write(user=None, context=None, name="config"):
        path = tmp_path / name
        server = {"server": "https://127.0.0.1:1"}
        contexts = [
            {"name": "x", "context": {"cluster": "c", "user": "u", **(context or {})}},
            {"name": "other", "context": {"cluster": "c", "user": "token"}},
        ]
        users = [
            {"name": "u", "user": user or {"token": "abc"}},
            {"name": "token", "user": {"token": "abc"}},
        ]
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": server}],
                    "users": users,
                    "contexts": contexts,
                    "current-context": "x",
                }
            )
        )
        return str(path)

    return write


def client(path, **texts):
    return Client(read_settings(ClusterSettings, kubeconfig=path, **texts))


def plugin(command):
    api = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": api, "command": command, "interactiveMode": "Never"}}


def test_a_plugin_that_is_missing_is_told_before_anything(kubeconfig):
    path = kubeconfig(plugin("kubelogin-not-there"))
    with pytest.raises(ClusterError, match="kubelogin-not-there, which is not there"):
        client(path)
    assert client(path, context="other").namespace == "default"


def test_a_plugin_that_fails_is_told_before_anything(kubeconfig):
    with pytest.raises(ClusterError, match=r"false, with .* gives no credentials"):
        client(kubeconfig(plugin("false")))


def test_a_plugin_that_gives_a_token_is_enough(kubeconfig, tmp_path):
    script = tmp_path / "login"
    said = (
        '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", '
        '"status": {"token": "abc"}}'
    )
    script.write_text(f"#!/bin/sh\necho '{said}'\n")
    script.chmod(0o755)
    assert client(kubeconfig(plugin(str(script)))).host == "https://127.0.0.1:1"


@pytest.mark.parametrize(
    ("context", "texts", "namespace"),
    [
        ({"namespace": "posture"}, {}, "posture"),
        ({}, {}, "default"),
        ({"namespace": "posture"}, {"namespace": "other"}, "other"),
        ({"namespace": "posture"}, {"context": "other"}, "default"),
    ],
)
def test_the_contexts_namespace_counts_unless_one_is_set(
    kubeconfig, context, texts, namespace
):
    assert client(kubeconfig(context=context), **texts).namespace == namespace


def test_several_files_are_one_of_which_the_first_counts(kubeconfig, tmp_path):
    first = kubeconfig(context={"namespace": "first"}, name="first")
    second = kubeconfig(context={"namespace": "second"}, name="second")
    both = os.pathsep.join((str(tmp_path / "missing"), first, second))
    assert client(both).namespace == "first"
