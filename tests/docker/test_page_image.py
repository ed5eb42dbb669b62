"""The live page's image, built, pushed and run by a real Docker engine."""

import os

import pytest

from page.login import make_hash
from tests.fixtures.engine import ClosedNetwork, docker
from tests.fixtures.net import wait_until

ASK = (
    "import urllib.request as u; "
    "print(u.urlopen('http://127.0.0.1:8090/{}', timeout=5).read().decode())"
)


@pytest.fixture(scope="module")
def built(registry):
    """The image for both platforms, by its name."""
    name = f"{registry.host}/posture-page-test"
    base = os.environ.get("PYTHON_IMAGE")
    arguments = ("--build-arg", f"PYTHON_IMAGE={base}") if base else ()
    docker(
        "buildx", "build", "--file", "deploy/page.Dockerfile", *arguments,
        "--network", "host", "--platform", "linux/amd64,linux/arm64",
        "--tag", name, "--push", ".",
    )  # fmt: skip
    return name


def test_it_is_there_for_both_platforms_and_small_enough(built, registry):
    sizes = registry.sizes("posture-page-test", "latest")
    assert set(sizes) == {"linux/amd64", "linux/arm64"}
    assert sizes["linux/amd64"] <= 170e6


def test_only_what_the_page_needs_is_in_it(built):
    find = ("run", "--rm", "--entrypoint", "find", built)
    listed = docker(*find, "/app", "/packages", "-maxdepth", "1").splitlines()
    assert "/app/page" in listed
    assert not {"/app/placement", "/app/demo", "/app/models"} & set(listed)
    packages = {path.rpartition("/")[2] for path in listed}
    assert not {"mediapipe", "kubernetes", "grpc", "matplotlib"} & packages


@pytest.fixture
def page(built, registry, postgres):
    """The image at work: not root, nothing writable, no way out."""
    network = ClosedNetwork()
    environ = postgres.environ | {
        "SUPABASE_HOST": network.gateway,
        "SUPABASE_PORT": str(network.let_through(postgres.port)),
        "PAGE_PASSWORD_HASH": make_hash("sit up straight"),
        "PAGE_TIMEZONE": "Europe/Berlin",
    }
    settings = [f"--env={name}={text}" for name, text in environ.items()]
    container = docker(
        "run", "-d", "--read-only", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--network", network.name,
        *settings, built,
    )  # fmt: skip
    yield container
    docker("rm", "-f", container)
    network.close()


def test_it_serves_locked_in(page):
    def ask(path):
        return docker("exec", page, "python3", "-c", ASK.format(path), check=False)

    wait_until(lambda: ask("healthz") == "ok", "the page has its database", 60, 0.5)
    assert "Password" in ask("table")  # the login
    docker("stop", "--time", "20", page)
    code = docker("inspect", "--format", "{{.State.ExitCode}}", page)
    assert code == "0", docker("logs", page, check=False)
