"""Values for the chart, written by the launcher."""

import argparse

import yaml

from common import options
from launcher import placement_objects
from launcher.settings import PodSettings
from launcher.values import Values, is_loopback
from posture.settings import WorkerSettings
from tests.fixtures.settings import read_settings

ENVIRON = {
    "MQTT_HOST": "192.168.1.79",
    "MQTT_PASSWORD": "hidden",
    "SUPABASE_PASSWORD": "hidden",
    "MODEL": "lite",
    "PICTURES_FOLDER": "/home/me/pictures",
    "PROMETHEUS_URL": "http://localhost:9090",
    "PROMETHEUS_CA_FILE": "/home/me/ca.pem",
    "PROMETHEUS_TOKEN": "hidden",
    "HOLD": "60",
}


def written(path, images, **pods):
    nothing = argparse.Namespace()
    worker = options.given(WorkerSettings, nothing, ENVIRON)
    placement = options.given_of(placement_objects.options(), nothing, ENVIRON)
    pod_settings = read_settings(PodSettings, **pods)
    Values(path, worker, placement, pod_settings).write(images)
    return yaml.safe_load(path.read_text())


def test_they_say_what_pods_can_use_and_no_secret(tmp_path):
    path = tmp_path / "run" / "values.yaml"
    told = written(path, {}, pull_secret="mine", priority_class="posture")
    assert told == {
        "instance": "posture",
        "settings": {"MQTT_HOST": "192.168.1.79", "MODEL": "lite"},
        # localhost and files are of this machine: Helm asks for the address then.
        "placement": {"settings": {"HOLD": "60"}},
        "imagePullSecrets": [{"name": "mine"}],
        "priorityClassName": "posture",
        "images": {},
    }
    assert "hidden" not in path.read_text()


def test_images_of_earlier_builds_stay(tmp_path):
    path = tmp_path / "values.yaml"
    written(path, {"analyzer": "me/a@sha256:1", "page": "me/p@sha256:1"})
    told = written(path, {"page": "me/p@sha256:2"})
    assert told["images"] == {"analyzer": "me/a@sha256:1", "page": "me/p@sha256:2"}
    path.write_text("}{")
    assert written(path, {"page": "me/p@sha256:3"})["images"] == {
        "page": "me/p@sha256:3"
    }


def test_what_leads_to_the_machine_that_asks_is_known():
    assert is_loopback("localhost")
    assert is_loopback("http://127.0.0.1:9090/x")
    assert is_loopback("[::1]:80")
    assert not is_loopback("192.168.1.79")
    assert not is_loopback("http://prometheus.monitoring.svc:9090")
