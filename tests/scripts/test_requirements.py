"""What a person writes in the .in files is what the .txt files pin, with hashes."""

import re

import pytest

from tests.fixtures.pins import pins_of, plain
from tests.fixtures.scripts import ROOT

IMAGES = [
    *(ROOT / "deploy").glob("requirements-*.in"),
    ROOT / "deploy" / "node-agent" / "requirements.in",
]
WRITTEN = [*ROOT.glob("requirements*.in"), *IMAGES]


def wanted(path):
    """The packages of an .in file with their versions, if it says one."""
    for line in path.read_text().splitlines():
        if found := re.match(r"(\w[\w.-]*)(?:==(\S+))?", line):
            yield plain(found[1]), found[2]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_written_is_what_is_pinned(path):
    # Otherwise: make lock
    pins = pins_of(path.with_suffix(".txt"))
    for name, version in wanted(path):
        assert version is None or pins[name] == {version}
        assert name in pins


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_image_has_the_versions_that_the_tests_run_with(path):
    tested = pins_of(ROOT / "requirements-dev.txt")
    camera = pins_of(ROOT / "requirements-camera.txt")
    for name, versions in pins_of(path.with_suffix(".txt")).items():
        assert versions == (tested.get(name) or camera[name])


def test_one_package_has_one_version_wherever_it_is_pinned():
    tested = pins_of(ROOT / "requirements-dev.txt")
    for path in ROOT.glob("requirements*.txt"):
        for name, versions in pins_of(path).items():
            assert versions == tested.get(name, versions), (path.name, name)
