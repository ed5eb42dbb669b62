"""Every target of the Makefile does what it is for; what is not run here, CI runs."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.fixtures.make import without_outer_make
from tests.fixtures.scripts import ROOT

BY_CI = {"install", "prepare", "test", "test-cluster", "lint", "audit"}
BY_HAND = {"lock"}  # asks the package index; it writes what CI installs
BY_OTHER_TESTS = {"chaos": "tests/chaos", "e2e": "tests/e2e"}
NOT_COPIED = (".git", ".venv", "models", "local", "site", ".*_cache", "__pycache__")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of this one, for some targets write into it."""
    folder = tmp_path_factory.mktemp("make") / "checkout"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    (folder / "models").mkdir()
    for bundle in (ROOT / "models").glob("pose_landmarker_*.task"):
        (folder / "models" / bundle.name).symlink_to(bundle)
    return folder


@pytest.fixture
def make(checkout):
    def run(*arguments, venv=sys.prefix):
        ends = ("", "-demo", "-dev")  # it is installed what these tests run with
        there = [f"--assume-old={venv}/bin/.installed{end}" for end in ends]
        done = subprocess.run(
            ["make", *there, f"VENV={venv}", *arguments],
            cwd=checkout,
            env=without_outer_make(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_every_target_is_run():
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
    here = re.findall(r'make\(\s*"([a-z-]+)"', (ROOT / __file__).read_text())
    assert {*targets.split()} == {*here} | BY_CI | BY_HAND | BY_OTHER_TESTS.keys()


def test_help_lists_the_targets(make):
    assert "Everything that can be checked on this machine" in make("help")


def test_models_brings_all_three(make):
    make("models")


def test_demo_shows_rows_and_ends(make):
    assert "Good" in make("demo", "ARGS=--once --model lite")


def test_brokers_are_tried_by_name(make):
    # The trials themselves are run with the other tests, with these brokers.
    assert "mosquitto" in make(
        "test-brokers", "BROKERS=mosquitto", "ARGS=--collect-only"
    )


def test_profile_tells_where_the_time_goes(make):
    smallest = "ARGS=--model lite --widths 320 --count 8 --rounds 1"
    assert "| inference |" in make("profile", smallest)


def test_bench_compares_with_another_checkout(make):
    smallest = "--cases nothing --rounds 1 --seconds 1 --loss 1"
    told = make("bench", f"BASE={ROOT}", f"ARGS={smallest} --model lite")
    assert "| now to base, pictures a second |" in told


def test_docs_makes_a_website(make, checkout):
    make("docs")
    assert (checkout / "site" / "index.html").exists()


def test_screenshots_are_taken(make, checkout):
    images = checkout / "docs" / "images"
    shots = [*images.glob("live-page*.jpg"), images / "week.jpg", images / "office.jpg"]
    assert len(shots) > 1
    for path in shots:
        path.unlink()
    make("screenshots")
    assert all(path.exists() for path in shots)


def test_the_pictures_of_what_is_kept_are_made(checkout):
    made = checkout / "docs" / "images" / "store.jpg"
    made.unlink()
    subprocess.run(
        [sys.executable, "-m", "tests.fixtures.store_sheet"], cwd=checkout, check=True
    )
    assert made.exists()


def test_proto_writes_what_is_there(make, checkout):
    make("proto")
    for path in ROOT.glob("externalscaler_pb2*"):
        assert (checkout / path.name).read_text() == path.read_text()


def test_clean_leaves_only_local(make, checkout, tmp_path):
    venv = tmp_path / "venv"
    venv.mkdir()
    (checkout / "local").mkdir(exist_ok=True)
    make("clean", venv=str(venv))
    assert not venv.exists()
    assert not (checkout / "models").exists()
    assert (checkout / "local").exists()
