"""What the documents tell a reader to type and to look at exists."""

import re
import shlex

import pytest

from tests.fixtures.scripts import ROOT, help_of

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def _texts(pattern):
    return [
        pytest.param(path, found, id=f"{path.name}: {found[:50]}")
        for path in DOCUMENTS
        for found in sorted(set(pattern.findall(path.read_text())))
    ]


@pytest.mark.parametrize(("document", "target"), _texts(LINK))
def test_a_link_leads_to_a_file(document, target):
    assert (document.parent / target).exists()


@pytest.mark.parametrize(
    ("document", "target"),
    _texts(re.compile(r"(?:`|^ {4})make ([a-z][a-z-]+)\b", re.MULTILINE)),
)
def test_a_make_target_exists(document, target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def _commands():
    """Scripts with their flags, one for each script and document."""
    flags: dict[tuple[str, str], set[str]] = {}
    for path in DOCUMENTS:
        for line in re.findall(
            r"python ((?:-m )?[\w./]+(?:\.py)?.*)", path.read_text()
        ):
            words = shlex.split(line.split("`")[0].split("  #")[0], comments=False)
            # `-m command week` is a command of its own, as a script is.
            ours = words[:2] == ["-m", "command"] and words[2:3] != ["--help"]
            parts = 3 if ours else 2
            script = " ".join(words[:parts]) if words[0] == "-m" else words[0]
            if script.startswith("-m") or (ROOT / script).exists():
                given = {word for word in words if word.startswith("--")}
                flags.setdefault((path.name, script), set()).update(given)
    return [pytest.param(*key, given, id=" ".join(key)) for key, given in flags.items()]


@pytest.mark.parametrize(("document", "script", "flags"), _commands())
def test_a_command_knows_its_flags(document, script, flags):
    told = help_of(*script.split())
    for flag in flags:
        assert flag.partition("=")[0] in told
