"""Names of images, and the tag that says what is in one."""

import shutil
from pathlib import Path

import pytest

from common import options
from launcher.image.build import content_tag, inputs
from launcher.image.registry import is_local, login_key, registry_of
from launcher.settings import ImageSettings
from tests.fixtures.settings import read_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path):
    """A copy of what the image is made of."""
    for name in inputs(ROOT):
        path = ROOT / name
        copy = shutil.copytree if path.is_dir() else shutil.copy
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy(path, tmp_path / name)
    return tmp_path


def test_the_same_content_has_the_same_tag(source):
    assert content_tag(source, {"A": "1"}) == content_tag(ROOT, {"A": "1"})


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        ".dockerignore",
        "posture/vision/verdict.py",
        "common/options.py",
        "retention.py",
    ],
)
def test_any_change_changes_the_tag(source, name):
    before = content_tag(source, {})
    (source / name).write_text((source / name).read_text() + "\n")
    assert content_tag(source, {}) != before


def test_a_renamed_file_changes_the_tag(source):
    before = content_tag(source, {})
    (source / "posture" / "health.sh").rename(source / "posture" / "other.sh")
    assert content_tag(source, {}) != before


def test_build_arguments_change_the_tag(source):
    assert content_tag(source, {"A": "1"}) != content_tag(source, {"A": "2"})


@pytest.mark.parametrize(
    "dockerfile",
    [
        "Dockerfile",
        "deploy/page.Dockerfile",
        "deploy/placement.Dockerfile",
        "deploy/node-agent/Dockerfile",
    ],
)
def test_the_build_sees_what_the_tag_is_made_of_and_nothing_else(dockerfile):
    _, ignored, *named = inputs(ROOT, dockerfile)
    assert "*" in (ROOT / ignored).read_text().splitlines()
    copied = set()
    for line in (ROOT / dockerfile).read_text().replace("\\\n", " ").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            copied |= {source.rstrip("/") for source in line.split()[1:-1]}
    # [s] makes a file that may be missing.
    assert {each for each in copied if "[" not in each} == set(named)


@pytest.mark.parametrize(
    ("repository", "registry"),
    [
        ("posture-analyzer", "docker.io"),
        ("shahroz90/posture-analyzer", "docker.io"),
        ("ghcr.io/me/posture", "ghcr.io"),
        ("192.168.1.10:5000/posture", "192.168.1.10:5000"),
        ("localhost/posture", "localhost"),
    ],
)
def test_the_registry_of_a_repository(repository, registry):
    assert registry_of(repository) == registry


def test_docker_hub_has_a_login_of_its_own_name():
    assert login_key("docker.io") == "https://index.docker.io/v1/"
    assert login_key("ghcr.io") == "ghcr.io"


def test_a_registry_on_this_machine_is_local():
    assert is_local("localhost:5000")
    assert is_local("127.0.0.1:5000")
    assert not is_local("127.0.0.1.example.org")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("repository", "me/image:tag"),
        ("repository", "Me/Image"),
        ("tag", "a b"),
        ("tag", "-x"),
        ("platforms", "linux/riscv64"),
        ("platforms", "linux/amd64,"),
        ("repository", "me/image; rm -rf ~"),
    ],
)
def test_settings_that_no_image_can_have_are_named(field, text):
    with pytest.raises(options.SettingsError):
        read_settings(ImageSettings, **{field: text})
