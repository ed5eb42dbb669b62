"""The page's words in the language of whoever reads them.

Messages stand in English where they are used, and are translated by the catalogues in
`page/languages`. Those are read as they are committed: nothing has to be compiled.
`python -m tools.words` brings them up to date with the code.
"""

import gettext as standard
import io
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import polib

LANGUAGES = {"en": "English", "de": "Deutsch", "fi": "Suomi"}
"""The languages that there are, each in its own words."""

FOLDER = Path(__file__).parent / "languages"
_ENGLISH = "en"
_language: ContextVar[str] = ContextVar("language", default=_ENGLISH)


def use(language: str) -> None:
    """Speak one of `LANGUAGES` for the rest of this request."""
    _language.set(language)


def language() -> str:
    """The language that is spoken."""
    return _language.get()


def gettext(message: str) -> str:
    """A message in the language that is spoken."""
    return _catalogue(language()).gettext(message)


def ngettext(one: str, many: str, number: int) -> str:
    """A message for a number of things in the language that is spoken."""
    return _catalogue(language()).ngettext(one, many, number)


def choose(asked: str | None, usual: str | None, accepted: str) -> str:
    """The language for a visitor.

    Args:
        asked: what the visitor chose on the page, if anything.
        usual: what the page is set to, None to follow the browser.
        accepted: the browser's Accept-Language.
    """
    for each in (asked, usual, *_wanted(accepted)):
        if each in LANGUAGES:
            return each
    return _ENGLISH


def _wanted(accepted: str) -> Iterator[str]:
    """The languages of an Accept-Language (RFC 9110, section 12.5.4), best first."""
    weights: dict[str, float] = {}
    for each in accepted[:500].lower().split(","):
        name, _, weight = each.partition(";")
        weights.setdefault(name.strip().partition("-")[0], _weight(weight))
    yield from (
        name for name in sorted(weights, key=lambda n: -weights[n]) if weights[name] > 0
    )


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0


@cache
def _catalogue(language: str) -> standard.NullTranslations:
    if language == _ENGLISH:
        return standard.NullTranslations()
    catalogue = polib.pofile(str(FOLDER / f"{language}.po"))
    return standard.GNUTranslations(io.BytesIO(catalogue.to_binary()))
