"""What an image is built on and from: in its tag, in the build, in its labels."""

import os
import shutil
import subprocess

import pytest

from launcher.image.build import Shipping
from launcher.image.docker import Docker
from launcher.image.origin import Base, base_of, source_of
from launcher.settings import ImageSettings
from tests.fixtures.scripts import ROOT, run_script
from tests.fixtures.settings import read_settings
from tools.base import pinned

FAKE = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$*" in
*" inspect "*python*) cat {folder}/base;;
*"imagetools inspect"*) [ -e {folder}/pushed ] && cat {folder}/pushed || {{
    echo "ERROR: x: not found" >&2; exit 1; }};;
"buildx inspect"*) echo "Driver: docker-container";;
"buildx build "*)
    while [ $# -gt 0 ]; do [ "$1" = --metadata-file ] && out=$2; shift; done
    echo '{{"containerimage.digest": "sha256:new"}}' > "$out"
    echo '{{"digest": "sha256:new"}}' > {folder}/pushed;;
*) echo "unable to find image" >&2; exit 125;;
esac
"""


@pytest.fixture
def fake(tmp_path):
    """A folder with a `docker` in which the base image has a digest."""
    script = tmp_path / "docker"
    script.write_text(FAKE.format(folder=tmp_path))
    script.chmod(0o755)
    (tmp_path / "base").write_text('{"digest": "sha256:aaa"}')
    return tmp_path


def shipping(fake, *, rebuild=False, **texts):
    environ = {"PATH": f"{fake}:{os.environ['PATH']}"}
    settings = read_settings(ImageSettings, repository="10.0.0.9:5000/p", **texts)
    docker = Docker(fake / "log", environ)
    return Shipping(settings, "full", ROOT, fake / "image.json", docker, rebuild)


def builds(fake):
    asked = (fake / "asked").read_text().splitlines()
    return [each for each in asked if each.startswith("buildx build ")]


def test_the_base_is_named_by_its_digest_in_the_build_and_its_labels(fake):
    shipping(fake).ship()
    (build,) = builds(fake)
    assert "PYTHON_IMAGE=python:" in build
    assert "@sha256:aaa " in build
    assert "BASE_DIGEST=sha256:aaa" in build
    assert "--sbom=true --provenance=mode=max" in build
    assert "REVISION=" in build


def test_a_mended_base_is_built_and_the_same_one_is_not(fake):
    said = shipping(fake).ship()
    (fake / "pushed").unlink()
    (fake / "base").write_text('{"digest": "sha256:bbb"}')
    assert shipping(fake).ship().partition(" ")[0] != said.partition(" ")[0]
    assert len(builds(fake)) == 2
    assert "is in the registry already" in shipping(fake).ship()
    assert len(builds(fake)) == 2


def test_rebuild_builds_anew_on_a_base_pulled_anew(fake):
    shipping(fake).ship()
    shipping(fake, rebuild=True).ship()
    assert "--no-cache --pull" in builds(fake)[1]
    assert "--no-cache" not in builds(fake)[0]


def test_attestations_may_be_left_out(fake):
    shipping(fake, attest="false").ship()
    assert "--sbom" not in builds(fake)[0]


@pytest.mark.parametrize(
    ("given", "base"),
    [
        (None, Base("python:3.13.16-slim-trixie", "sha256:aaa")),
        ("me/python@sha256:ccc", Base("me/python", "sha256:ccc")),
        ("only/here", Base("only/here", None)),
    ],
)
def test_the_base_is_the_one_that_is_given_or_the_dockerfiles(fake, given, base):
    docker = Docker(fake / "log", {"PATH": f"{fake}:{os.environ['PATH']}"})
    found = base_of(ROOT, "Dockerfile", given, docker)
    assert found == base
    assert found.reference.count("@") == (given != "only/here")


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_the_revision_says_whether_something_was_changed(tmp_path):
    def git(*words):
        own = ["-c", "user.name=n", "-c", "user.email=e"]
        subprocess.run(["git", "-C", tmp_path, *own, *words], check=True)

    assert source_of(tmp_path)["REVISION"] == "unknown"
    git("init", "-q")
    git("remote", "add", "origin", "https://me:geheim@example.org/p.git")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-qm", "one")
    clean = source_of(tmp_path)
    assert len(clean["REVISION"]) == 40
    assert clean["SOURCE"] == "https://***@example.org/p.git"
    (tmp_path / "a").write_text("2")
    assert source_of(tmp_path)["REVISION"] == f"{clean['REVISION']}-dirty"


def test_to_build_alone_needs_no_database_and_no_cluster(fake):
    environ = {"PATH": f"{fake}:{os.environ['PATH']}"}
    done = run_script(
        "build_and_push.py",
        "--only",
        "build",
        folder=fake,
        IMAGE_REPOSITORY="10.0.0.9:5000/p",
        **environ,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "built and pushed" in done.stdout
    assert len(builds(fake)) == 1


def test_a_dockerfile_gets_the_digest_of_its_base_once(fake):
    docker = Docker(fake / "log", {"PATH": f"{fake}:{os.environ['PATH']}"})
    text = "ARG PYTHON_IMAGE=python:3.13-slim\nFROM ${PYTHON_IMAGE}\n"
    first = pinned(text, docker)
    assert first.startswith("ARG PYTHON_IMAGE=python:3.13-slim@sha256:aaa\nFROM")
    assert pinned(first, docker) == first
