"""What the launcher puts into the cluster, and what a diff of it shows."""

import argparse
import base64
from pathlib import Path

import pytest

from common import options
from kube import scaledjobs
from kube.diff import difference
from kube.errors import ManifestError
from launcher import manifests
from launcher.settings import PodSettings
from posture.settings import WorkerSettings
from tests.fixtures.settings import read_settings

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery staple"


def given(**environ):
    return options.given(WorkerSettings, argparse.Namespace(), environ)


def test_only_secrets_go_into_the_secret(tmp_path):
    (tmp_path / "password").write_text("from a file\n")
    told = given(
        SUPABASE_PASSWORD=PASSWORD,
        MQTT_PASSWORD_FILE=str(tmp_path / "password"),
        SUPABASE_HOST="db.example",
    )
    data = manifests.secret(told)["data"]
    decoded = {key: base64.b64decode(value).decode() for key, value in data.items()}
    assert decoded == {"SUPABASE_PASSWORD": PASSWORD, "MQTT_PASSWORD": "from a file"}
    assert manifests.config_map(told)["data"] == {"SUPABASE_HOST": "db.example"}


def test_what_means_nothing_in_a_pod_stays_here():
    told = given(
        NODE_NAME="laptop",
        MODELS_FOLDER="/home/me/models",
        PICTURES_FOLDER="/home/me",
        QUARANTINE_FOLDER="q",
        EXIT_WHEN_IDLE="5",
        MODEL="lite",
    )
    assert manifests.config_map(told)["data"] == {"MODEL": "lite"}


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(options.SettingsError, match="MQTT_PASSWORD"):
        given(MQTT_PASSWORD_FILE=str(tmp_path / "absent"))


def test_priority_and_pull_secret_are_the_users_if_they_say_so():
    scaledjob = scaledjobs.read_manifest(ROOT / "posture-job.yaml")
    told = {"priority_class": "posture", "pull_secret": "my-registry"}
    for pods in (read_settings(PodSettings), None):
        manifests.complete(scaledjob, None, None, pods)
        assert "priorityClassName" not in scaledjobs.pod_spec(scaledjob)
        assert "imagePullSecrets" not in scaledjobs.pod_spec(scaledjob)
    manifests.complete(scaledjob, None, None, read_settings(PodSettings, **told))
    spec = scaledjobs.pod_spec(scaledjob)
    assert spec["priorityClassName"] == "posture"
    assert spec["imagePullSecrets"] == [{"name": "my-registry"}]
    with pytest.raises(options.SettingsError, match="PRIORITY_CLASS"):
        read_settings(PodSettings, priority_class="Not A Name")


def test_how_many_pictures_are_kept_is_the_users_word_over_the_manifests():
    scaledjob = scaledjobs.read_manifest(ROOT / "posture-job.yaml")

    def said():
        env = manifests.worker(scaledjob)["env"]
        return {each["name"]: each.get("value") for each in env}

    before = said()
    manifests.tell(scaledjob, given(MODEL="lite", METRICS_PORT="1"))
    assert said() == before
    manifests.tell(scaledjob, given(PICTURES_MB="90000"))
    assert said() == before | {"PICTURES_MB": "90000"}


def test_the_shipped_manifest_is_completed():
    scaledjob = scaledjobs.read_manifest(ROOT / "posture-job.yaml")
    manifests.complete(scaledjob, "r/i@sha256:1", "192.0.2.1:50051")
    text = scaledjobs.dump(scaledjob)
    assert "image: r/i@sha256:1\n" in text
    assert "scalerAddress: 192.0.2.1:50051\n" in text
    assert "posture-analyzer/made-by: launcher\n" in text
    assert "# Without it every change of the node would end the running Job." in text


def test_the_shipped_manifest_reads_the_settings_by_their_names():
    scaledjob = scaledjobs.read_manifest(ROOT / "posture-job.yaml")
    sources = manifests.worker(scaledjob)["envFrom"]
    assert [dict(each) for each in sources] == [
        {"configMapRef": {"name": manifests.SETTINGS}},
        {"secretRef": {"name": manifests.SETTINGS}},
    ]


@pytest.mark.parametrize("broken", ["containers", "triggers"])
def test_a_manifest_edited_beyond_recognition_is_named(broken):
    scaledjob = scaledjobs.read_manifest(ROOT / "posture-job.yaml")
    if broken == "containers":
        scaledjobs.pod_spec(scaledjob)["containers"][0]["name"] = "other"
    else:
        scaledjob["spec"]["triggers"] = [{"type": "cron", "metadata": {}}]
    with pytest.raises(ManifestError, match=r"container called|trigger of type"):
        manifests.complete(scaledjob, "image", "here:1")


def secret(**values):
    data = {
        key: base64.b64encode(value.encode()).decode() for key, value in values.items()
    }
    return {"kind": "Secret", "metadata": {"name": "s", "uid": "1"}, "data": data}


def test_a_diff_never_shows_a_secret():
    before, after = secret(A="old", B="same"), secret(A=PASSWORD, B="same")
    annotated = {"kubectl.kubernetes.io/last-applied-configuration": PASSWORD}
    after["metadata"]["annotations"] = annotated
    for shown in (difference(before, after, "t"), difference(None, after, "t")):
        assert PASSWORD not in shown
        assert base64.b64encode(PASSWORD.encode()).decode() not in shown
    assert "bytes, changed" in difference(before, after, "t")


def test_a_secret_that_stays_as_it_is_gives_no_diff():
    assert difference(secret(A="x"), secret(A="x"), "t") == ""


def test_a_new_object_is_shown_whole_without_what_the_server_adds():
    wanted = {"kind": "ConfigMap", "metadata": {"name": "c", "uid": "1"}, "data": {}}
    shown = difference(None, wanted, "t")
    assert "+  name: c" in shown
    assert "uid" not in shown
