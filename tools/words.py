"""Brings the catalogues in page/languages up to date with the words of the page.

`python -m tools.words` after a sentence of the page was added or changed; then
translate what is empty in each .po file. A test fails while something is missing.
"""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from page.words import FOLDER, LANGUAGES

_ROOT = Path(__file__).parents[1]
_SOURCES = ("page/**/*.py", "posture/vision/advice.py", "page/templates/*.html")
_KEYWORDS = {"_": None, "gettext": None, "marked": None, "ngettext": (1, 2)}
_HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
_TEMPLATES = {"trimmed": "true", "silent": "false"}


def main(argv: list[str] | None = None) -> int:
    """Update every catalogue."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    for language in LANGUAGES:
        if language != "en":
            path = FOLDER / f"{language}.po"
            path.write_text(updated(path, language))
    return 0


def used() -> Catalog:
    """The messages that the page uses, with the files that they are used in."""
    catalogue = Catalog(fuzzy=False)
    for path in _sources():
        method = "jinja2" if path.suffix == ".html" else "python"
        found = extract_from_file(
            method,
            path,
            _KEYWORDS,
            options=_TEMPLATES if method == "jinja2" else {},
        )
        for _line, message, _comments, _context in found:
            catalogue.add(message, locations=[(str(path.relative_to(_ROOT)), 1)])
    return catalogue


def updated(path: Path, language: str) -> str:
    """The catalogue at `path` with the messages that are used now, and no others."""
    catalogue = read(path, language)
    catalogue.update(used(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    text = io.BytesIO()
    # No line numbers and no times: they would change, and conflict, for nothing.
    write_po(
        text,
        catalogue,
        width=88,
        sort_output=True,
        omit_header=True,
        include_lineno=False,
    )
    header = _HEADER.format(language=language, plurals=catalogue.plural_forms)
    return header + text.getvalue().decode()


def read(path: Path, language: str) -> Catalog:
    """The catalogue at `path`; an empty one where there is none."""
    if not path.exists():
        return Catalog(language, fuzzy=False)
    with path.open() as file:
        return read_po(file, language)


def _sources() -> Iterator[Path]:
    for pattern in _SOURCES:
        yield from sorted(_ROOT.glob(pattern))


if __name__ == "__main__":
    raise SystemExit(main())
