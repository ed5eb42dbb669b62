"""Every message that the troubleshooting page quotes is one that the code says."""

import ast
import functools
import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.fixtures.worker import ROOT

ROOMS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "root_packages"
]
PAGE = ROOT / "docs" / "troubleshooting.md"
QUOTED = re.findall(r"^\| `(.+?)` \|", PAGE.read_text(), re.MULTILINE)


def literals() -> Iterator[str]:
    """Every text in the source; `...` stands for what is filled in."""
    paths = [*ROOT.glob("*.py")]
    for room in ROOMS:
        paths += (ROOT / room).rglob("*.py")
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[-0-9.]*[sdrgf]", "...", node.value)
            if isinstance(node, ast.JoinedStr):
                yield "".join(
                    each.value if isinstance(each, ast.Constant) else "..."
                    for each in node.values
                )
    yield (ROOT / "page" / "static" / "page.js").read_text()


@functools.cache  # and not at the import, which each process of a run does
def texts() -> list[str]:
    return [" ".join(text.split()) for text in literals()]


def is_said(message: str) -> bool:
    """Whether one text has all parts of `message`, in their order."""
    parts = [re.escape(part.strip()) for part in message.split("...")]
    pattern = re.compile(".*".join(parts))
    return any(pattern.search(text) for text in texts())


@pytest.mark.parametrize("message", QUOTED)
def test_a_quoted_message_is_one_of_the_code(message):
    assert is_said(message)


def test_a_message_that_nobody_says_would_be_noticed():
    assert len(QUOTED) > 60
    assert not is_said("the broker is made of ... cheese")
