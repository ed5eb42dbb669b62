"""The Docker door where no engine can be brought to it: logins and refusals.

`docker` is a script here that says what the real one says; what a real engine does is
in tests/docker.
"""

import json
import os

import pytest

from common.errors import OperatorError
from launcher.docker import Docker
from launcher.preflight import CheckError, Doubt


@pytest.fixture
def docker(tmp_path):
    """The door, with a `docker` that fails with these words and this exit code."""

    def make(words="", code=1):
        script = tmp_path / "docker"
        (tmp_path / "words").write_text(words)
        script.write_text(f"#!/bin/sh\ncat {tmp_path}/words >&2\nexit {code}\n")
        script.chmod(0o755)
        environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        environ["DOCKER_CONFIG"] = str(tmp_path)
        return Docker(tmp_path / "log", environ)

    return make


REFUSALS = {
    "denied: requested access to the resource is denied": "docker login ghcr.io, as",
    "unauthorized: authentication required": "docker login ghcr.io",
    "write /var/lib/docker/x: no space left on device": "docker builder prune",
    "ERROR: Multi-platform build is not supported for the docker driver.": (
        "docker buildx create"
    ),
    "x509: certificate signed by unknown authority": "/etc/docker/certs.d/ghcr.io/",
    "http: server gave HTTP response to HTTPS client": "insecure-registries",
    "dial tcp: lookup ghcr.io: no such host": "DNS",
}


@pytest.mark.parametrize("words", REFUSALS)
def test_a_build_that_fails_is_told_with_its_remedy(docker, tmp_path, words):
    door = docker(f"#12 pushing layers\n{words}\n")
    with pytest.raises(OperatorError) as raised:
        door.build(tmp_path, "ghcr.io/me/posture", ["t"], ["linux/amd64"], {})
    assert words in str(raised.value)
    assert REFUSALS[words] in str(raised.value)
    assert words in (tmp_path / "log").read_text()


def test_a_failure_without_a_known_remedy_names_the_log(docker, tmp_path):
    with pytest.raises(OperatorError, match=f"odd; all of it: {tmp_path}/log"):
        docker("odd").build(tmp_path, "me/posture", ["t"], ["linux/amd64"], {})


def test_an_engine_that_does_not_answer_is_told(docker):
    with pytest.raises(CheckError, match="Cannot connect") as raised:
        docker("Cannot connect to the Docker daemon").check_engine()
    assert "systemctl start docker" in raised.value.remedy


def test_docker_that_is_not_there_is_told(tmp_path):
    door = Docker(tmp_path / "log", {"PATH": str(tmp_path)})
    with pytest.raises(CheckError, match="not installed"):
        door.check_engine()


def test_an_image_that_is_not_in_the_registry_has_no_digest(docker):
    assert docker("ERROR: ghcr.io/me/posture:t: not found").digest("x") is None


def log_in(tmp_path, settings):
    (tmp_path / "config.json").write_text(json.dumps(settings))


def test_no_login_at_docker_hub_is_named(docker):
    with pytest.raises(CheckError, match=r"docker\.io") as raised:
        docker().check_login("me/posture")
    assert raised.value.remedy == "docker login"


def test_no_login_elsewhere_is_a_doubt_for_it_may_want_none(docker):
    with pytest.raises(Doubt) as raised:
        docker().check_login("192.168.1.10:5000/posture")
    assert raised.value.remedy.endswith("docker login 192.168.1.10:5000")


@pytest.mark.parametrize(
    ("settings", "repository"),
    [
        ({"auths": {"https://index.docker.io/v1/": {}}}, "me/posture"),
        ({"auths": {"ghcr.io": {"auth": "x"}}}, "ghcr.io/me/posture"),
        ({"credHelpers": {"ghcr.io": "gcloud"}}, "ghcr.io/me/posture"),
        ({}, "localhost:5000/posture"),
    ],
)
def test_a_login_is_found(docker, tmp_path, settings, repository):
    log_in(tmp_path, settings)
    assert docker().check_login(repository)


def test_a_broken_docker_configuration_is_named(docker, tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckError, match=r"config\.json cannot be read"):
        docker().check_login("me/posture")
