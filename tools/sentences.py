"""Sentences of the documentation that have more than thirty words.

`python -m tools.sentences` names each; a test lets hardly any in.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[1]
LONGEST = 30
"""Words of a sentence."""

_NOT_PROSE = re.compile(
    r"^(```|~~~).*?^\1[^\n]*$"  # blocks of code
    r"|<!--.*?-->"
    r"|^ {4,}(?![ ]*(?:[-*]|\d+\.)[ ])[^\n]*$"  # commands
    r"|^[#|][^\n]*$|^!\[[^\n]*$",  # headings, tables, pictures
    re.MULTILINE | re.DOTALL,
)
_BREAK = re.compile(r"(?:\n\s*)+\n(?:\s*(?:[-*]|\d+\.)\s)?|\n\s*(?:[-*]|\d+\.)\s")
_END = re.compile(r"(?<=[.!?:;])[)\"*_`]*\s+(?=[A-Z0-9`*\"(\[])")


def pages() -> list[Path]:
    """What is read by people: but for what tools write, and the history."""
    written = {"reference.md", "architecture.md", "CHANGELOG.md"}
    found = [*_ROOT.glob("*.md"), *(_ROOT / "docs").glob("*.md")]
    return sorted(each for each in found if each.name not in written)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a page's paragraphs and lists, on one line each."""
    text = re.sub(r"^> ?", "", text, flags=re.MULTILINE)  # quoted
    text = _NOT_PROSE.sub("\n", text)
    for part in _BREAK.split("\n" + text):
        for sentence in _END.split(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", part)):
            if words := sentence.split():
                yield " ".join(words)


def too_long(text: str) -> list[str]:
    """Those that have too many words."""
    return [each for each in sentences(text) if len(each.split()) > LONGEST]


def main(argv: list[str] | None = None) -> int:
    """Print them; the exit code is 1 if there are some."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    found = [(path, each) for path in pages() for each in too_long(path.read_text())]
    for path, each in found:
        print(f"{path.relative_to(_ROOT)}: {len(each.split())} words: {each}")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
