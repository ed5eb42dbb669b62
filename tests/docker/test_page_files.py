"""The live page's Dockerfile: what can be seen without an engine."""

import json
import re

from tests.docker.test_files import ROOT, instructions
from tests.fixtures.pins import pins_of, plain
from tests.fixtures.scripts import in_a_fresh_process

PAGE = ROOT / "deploy" / "page.Dockerfile"
# The packages that the page's modules bring in.
IMPORTED = """
import json, sys
before = set(sys.modules)
from importlib.metadata import packages_distributions
import live_page, page.desk_command, page.server, page.web, retention
import posture_nudge, nudge.health, nudge.suspensions, nudge.trial, nudge.watch
known = packages_distributions()
new = set(sys.modules) - before
print(json.dumps(sorted({name for each in new for name in known.get(each, ())})))
"""


def packages():
    """What is installed into the image."""
    return pins_of(ROOT / "deploy" / "requirements-page.txt").keys()


def test_everything_that_the_page_imports_is_in_it():
    images = "opencv-python-headless"  # in the place of its larger sister
    imported = {
        plain(re.sub("opencv-contrib-python", images, name))
        for name in json.loads(in_a_fresh_process(IMPORTED))
    }
    assert imported <= packages()


def test_what_is_copied_is_let_through_to_the_build():
    ignore = PAGE.with_name("page.Dockerfile.dockerignore").read_text().splitlines()
    copied = {
        source
        for word, rest in instructions(PAGE)
        if word == "COPY" and not rest.startswith("--")
        for source in rest.split()[:-1]
    }
    assert {f"!{source}" for source in copied} == {
        line for line in ignore if line.startswith("!")
    }
