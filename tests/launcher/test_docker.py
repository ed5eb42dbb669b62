"""The Docker door where no engine can be brought to it: logins and refusals.

`docker` is a script here that says what the real one says; what a real engine does is
in tests/docker.
"""

import json
import os

import pytest

from common.errors import OperatorError
from launcher.image.docker import Docker
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
        ({"auths": {"https://ghcr.io/v2/": {"auth": "x"}}}, "ghcr.io/me/posture"),
        ({"auths": {"docker.io": {"auth": "x"}}}, "me/posture"),
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


@pytest.mark.parametrize("text", ["", " \n", '{"auths": null}', "{}", "null", "[]"])
def test_a_configuration_without_logins_is_none(docker, tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckError, match=r"no login for docker\.io is known"):
        docker().check_login("me/posture")


def helper(tmp_path, name, listed, code=0):
    """A credential helper that has these logins."""
    script = tmp_path / f"docker-credential-{name}"
    script.write_text(f"#!/bin/sh\necho '{json.dumps(listed)}'\nexit {code}\n")
    script.chmod(0o755)


HUB = {"https://index.docker.io/v1/": "me"}


@pytest.mark.parametrize("store", ["desktop.exe", "dev-containers-0000", "osxkeychain"])
def test_a_login_in_a_credential_store_is_found(docker, tmp_path, store):
    log_in(tmp_path, {"auths": {}, "credsStore": store})
    helper(tmp_path, store, HUB)
    assert docker().check_login("me/posture") == "logged in to docker.io"
    with pytest.raises(Doubt, match=r"no login for ghcr\.io"):
        docker().check_login("ghcr.io/me/posture")


def test_a_store_without_the_login_has_none(docker, tmp_path):
    log_in(tmp_path, {"credsStore": "pass"})
    helper(tmp_path, "pass", {})
    with pytest.raises(CheckError, match=r"no login for docker\.io"):
        docker().check_login("me/posture")


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_helper_that_is_missing_is_told(docker, tmp_path, key):
    wanted = "gone" if key == "credsStore" else {"ghcr.io": "gone"}
    log_in(tmp_path, {key: wanted, "auths": {"ghcr.io": {}}})
    with pytest.raises(CheckError, match="docker-credential-gone, which is not there"):
        docker().check_login("ghcr.io/me/posture")


def test_a_helper_of_one_registry_makes_its_login_when_it_is_asked(docker, tmp_path):
    log_in(tmp_path, {"credHelpers": {"ghcr.io": "gcloud"}})
    helper(tmp_path, "gcloud", {})
    assert docker().check_login("ghcr.io/me/posture") == "logged in to ghcr.io"


def test_a_store_that_is_locked_is_a_doubt(docker, tmp_path):
    log_in(tmp_path, {"credsStore": "locked"})
    helper(tmp_path, "locked", {}, code=1)
    with pytest.raises(Doubt, match="does not tell its logins"):
        docker().check_login("me/posture")


ABSENT = [
    "ERROR: quay.io/me/p:a: not found",
    "ERROR: unexpected status from HEAD request to https://quay.io/v2/me/p/manifests/a:"
    " 401 UNAUTHORIZED",
    "ERROR: unexpected status from HEAD request to https://r.example/v2: 403 Forbidden",
    "ERROR: pull access denied, repository does not exist or may require "
    "authorization: server message: insufficient_scope: authorization failed",
    "ERROR: manifest unknown: manifest unknown",
    "ERROR: name unknown: repository name not known to registry",
]


@pytest.mark.parametrize("words", ABSENT)
def test_an_image_of_which_a_registry_tells_nothing_is_to_be_built(docker, words):
    assert docker(words).digest("quay.io/me/p:a") is None


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (
            "ERROR: error getting credentials - err: exec: "
            '"docker-credential-desktop.exe": executable file not found in $PATH',
            "credential helper",
        ),
        ("ERROR: failed to do request: lookup quay.io: no such host", "DNS"),
        ("ERROR: dial tcp 10.0.0.1:443: connect: connection refused", "runs and can"),
        (
            "ERROR: toomanyrequests: You have reached your pull rate limit",
            "docker login",
        ),
        ("ERROR: 503 Service Unavailable", "503"),
    ],
)
def test_a_registry_that_cannot_be_asked_is_an_error(docker, words, remedy):
    with pytest.raises(OperatorError, match=remedy):
        docker(words).digest("quay.io/me/p:a")


def answering(tmp_path, **answers):
    """The door, with a `docker` that answers to its first two words."""
    cases = "".join(
        f'"{key}") printf "%b" {value};;\n' for key, value in answers.items()
    )
    script = tmp_path / "docker"
    script.write_text(f'#!/bin/sh\ncase "$1 $2" in\n{cases}*) exit 1;;\nesac\n')
    script.chmod(0o755)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    return Docker(tmp_path / "log", environ)


def test_a_builder_with_an_error_is_told(tmp_path):
    inspect = "'Name: x\\nDriver: docker-container\\nNodes:\\nError: cannot connect\\n'"
    door = answering(tmp_path, **{"buildx inspect": inspect})
    with pytest.raises(CheckError, match="builder x does not answer: cannot connect"):
        door.check_buildx(["linux/amd64"])


def test_podman_in_the_place_of_docker_is_told(tmp_path):
    said = "'4.3.1, linux/amd64\\n'; echo Emulate Docker CLI using podman. >&2"
    door = answering(tmp_path, **{"version --format": said})
    with pytest.raises(CheckError, match="docker is podman here"):
        door.check_engine()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("http: server gave HTTP response to HTTPS client", "http = true"),
        ("tls: x509: certificate signed by unknown authority", "ca = "),
    ],
)
def test_a_builder_in_a_container_has_remedies_of_its_own(tmp_path, words, remedy):
    inspect = "'Name: x\\nDriver: docker-container\\n'"
    failing = f"'{words}\\n'; exit 1"
    answers = {"buildx inspect": inspect, "buildx build": failing}
    door = answering(tmp_path, **answers)
    with pytest.raises(OperatorError) as raised:
        door.build(tmp_path, "10.0.0.9:5000/p", ["a"], ["linux/amd64"], {})
    assert remedy in str(raised.value)
    assert '[registry."10.0.0.9:5000"]' in str(raised.value)
