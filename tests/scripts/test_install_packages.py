"""How `make` brings Python packages: by uv, and by pip where that knows better."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pip
import pytest

from tests.fixtures.scripts import ROOT


@pytest.fixture(scope="module")
def venv(tmp_path_factory):
    """A virtual environment with pip, and uv as requirements-install.txt brings it."""
    folder = tmp_path_factory.mktemp("install") / "venv"
    # pip is linked too: to have it installed takes three seconds of a core.
    command = [sys.executable, "-m", "venv", "--without-pip", folder]
    subprocess.run(command, check=True)
    (folder / "bin" / "uv").symlink_to(Path(sys.prefix) / "bin" / "uv")
    (packages,) = folder.glob("lib/*/site-packages")
    for each in Path(pip.__file__).parents[1].glob("pip*"):
        (packages / each.name).symlink_to(each)
    return folder


@pytest.fixture
def wheel(tmp_path):
    """A package that is one empty module."""
    path = tmp_path / "small-1.0-py3-none-any.whl"
    info = "small-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("small.py", "")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def installer(venv: Path, wheel: Path, **environ: str) -> tuple[str, str]:
    """Who has installed it, by its own mark; and what was said."""
    pips = [name for name in os.environ if name.startswith("PIP_")]
    own = {name: os.environ[name] for name in os.environ.keys() - pips}
    done = subprocess.run(
        [ROOT / "tools" / "install_packages.sh", venv, "--no-deps", wheel],
        cwd=ROOT,
        env=own | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (mark,) = venv.glob("lib/*/site-packages/small-*/INSTALLER")
    who = mark.read_text().strip()
    uv = [venv / "bin/uv", "pip", "uninstall", "--python", venv / "bin/python"]
    subprocess.run([*uv, "--quiet", "small"], check=True)
    return who, done.stderr


def test_uv_installs(venv, wheel):
    assert installer(venv, wheel) == ("uv", "")


@pytest.mark.parametrize(
    "own", [{"PIP_NO_INDEX": "1"}, {"PIP_INDEX_URL": "https://mirror.test/simple"}]
)
def test_pip_installs_where_it_has_an_index_of_its_own(venv, wheel, own):
    assert installer(venv, wheel, **own) == ("pip", "")


def test_pip_installs_where_uv_fails(venv, wheel):
    who, said = installer(venv, wheel, UV_CONFIG_FILE="absent.toml")
    assert who == "pip"
    assert "pip tries it" in said


def test_what_neither_can_bring_is_told(venv, tmp_path):
    done = subprocess.run(
        [ROOT / "tools" / "install_packages.sh", venv, tmp_path / "no.whl"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert "no.whl" in done.stderr
