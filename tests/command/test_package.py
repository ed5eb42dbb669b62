"""The package that `pip install .` makes, in an environment of its own."""

import csv
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

import pytest

from common.version import VERSION
from tests.fixtures.postgres import memory_folder
from tests.fixtures.scripts import ROOT

WHOLE = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, BUILD = WHOLE["project"], WHOLE["build-system"]


def run(*command, cwd, **environ):
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd)} | environ,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def requirements(name):
    lines = (ROOT / name).read_text().splitlines()
    return {line for line in lines if re.match(r"[a-z]", line)}


def test_what_the_package_asks_for_is_what_the_files_pin():
    base = requirements("requirements.in")
    builds = set(BUILD["requires"])
    assert builds <= base
    # A new package stands in pyproject.toml too.
    assert set(PROJECT["dependencies"]) == base - builds
    for extra, needs in PROJECT["optional-dependencies"].items():
        assert set(needs) == requirements(f"requirements-{extra}.in")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A fresh environment with the wheel; what it needs is lent by the tests' own."""
    folder = tmp_path_factory.mktemp("package")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--quiet")
    run(*pip, "wheel", *offline, "--wheel-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("posture_analyzer-*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    run(
        *pip,
        "--python",
        python,
        "install",
        "--no-compile",
        "--no-deps",
        "--no-index",
        wheel,
        cwd=folder,
    )
    (packages,) = (folder / "venv" / "lib").glob("python3*/site-packages")
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv" / "bin" / "posture"


def test_it_says_its_version(installed, tmp_path):
    assert run(installed, "--version", cwd=tmp_path) == f"posture {VERSION}\n"


@pytest.fixture
def outside():
    """A folder that PostgreSQL's own user may enter, which pytest's are closed to."""
    folder = Path(tempfile.mkdtemp(prefix="posture-", dir=memory_folder()))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_the_demo_and_what_reads_its_rows_need_no_variable(installed, outside):
    said = run(installed, "demo", "--once", "--model", "lite", cwd=outside)
    assert "each with its row and its file" in said

    assert "judged" in run(installed, "week", "pi1", cwd=outside)
    run(installed, "export", "pi1", "--out", "rows.csv", cwd=outside)
    with (outside / "rows.csv").open(newline="") as file:
        assert {row["pi_id"] for row in csv.DictReader(file)} == {"pi1"}
    said = run(installed, "forget", "pi1", "--yes", cwd=outside)
    assert re.search(r"deleted: \d+ pictures", said)
    assert not list((outside / "local/analyzed_images").glob("*_pi1/*.jpg"))


@pytest.mark.parametrize(
    "command", ["page", "camera", "nudge", "up", "view", "doctor", "why"]
)
def test_each_command_finds_its_code(installed, tmp_path, command):
    said = run(installed, command, "--help", cwd=tmp_path)
    assert f"usage: posture {command} [flags]" in said


def test_up_says_that_it_needs_a_checkout(installed, tmp_path):
    done = subprocess.run(
        [installed, "up"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "from a checkout" in done.stderr
