"""The page in a visitor's language, and catalogues in which nothing is missing."""

import re
from datetime import date

import polib
import pytest
from playwright.sync_api import expect

from page import words
from page.board import words_of
from page.dates import day_words
from page.script_words import script_words
from page.words import FOLDER, LANGUAGES, choose
from tests.fixtures.worker import ROOT
from tools.words import updated, used

OTHERS = [each for each in LANGUAGES if each != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|</?\w+[^>]*>")
BRACKETED = re.compile(r"%\((\w+)\)s")


@pytest.fixture
def speak():
    yield words.use
    words.use("en")


def entries(language):
    return polib.pofile(str(FOLDER / f"{language}.po"))


def forms(entry):
    """A message's English and translated forms, side by side."""
    if not entry.msgid_plural:
        return [(entry.msgid, entry.msgstr)]
    english = (entry.msgid, entry.msgid_plural)
    return [(english[min(n, 1)], text) for n, text in entry.msgstr_plural.items()]


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated(language):
    path = FOLDER / f"{language}.po"
    assert path.read_text() == updated(path, language), "run python -m tools.words"
    there = {each.msgid for each in entries(language)}
    used_now = {
        each.id if isinstance(each.id, str) else each.id[0]
        for each in used()
        if each.id
    }
    assert there == used_now
    assert not [e.msgid for e in entries(language) if not e.translated() or e.fuzzy]


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_placeholders_and_marks_of_its_message(language):
    for entry in entries(language):
        for english, text in forms(entry):
            wanted, got = PLACEHOLDER.findall(english), PLACEHOLDER.findall(text)
            # A date may name its month by number.
            if entry.msgid.startswith("%(weekday)s"):
                assert set(BRACKETED.findall(text)) <= {
                    *("weekday", "day", "month", "number", "year", "clock")
                }
            else:
                assert sorted(got) == sorted(wanted), (english, text)
            if "%(" not in english:
                assert (text.endswith(".")) == (english.endswith(".")) or len(text) < 6


def test_the_scripts_know_every_word_that_they_say():
    scripts = "".join(
        path.read_text() for path in (ROOT / "page" / "static").glob("*.js")
    )
    said = set(re.findall(r'\bword\("([\w-]+)"', scripts))
    assert said == set(script_words())
    given = {
        name: set(BRACKETED.findall(text)) for name, text in script_words().items()
    }
    for name, values in re.findall(r'\bword\("([\w-]+)", \{ (\w+):', scripts):
        assert given[name] == {values}


def test_no_sentence_of_a_template_is_left_out_of_the_catalogue():
    letters = re.compile(r"[A-Za-z]{2,}")
    for path in (ROOT / "page" / "templates").glob("*.html"):
        text = re.sub(r"(?s){%-?\s*trans.*?endtrans\s*-?%}", "", path.read_text())
        text = re.sub(r"(?s){[{%].*?[%}]}", "", text)
        labels = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', text)
        left = [*re.sub(r"(?s)<[^>]*>", "\n", text).splitlines(), *labels]
        # An address is no sentence.
        left = [e for e in left if letters.search(e) and not e.startswith("/")]
        assert not left or set(left) <= {" ms"}, path.name


@pytest.mark.parametrize(
    ("asked", "usual", "accepted", "chosen"),
    [
        (None, None, "", "en"),
        (None, None, "fi-FI,fi;q=0.9,en;q=0.8", "fi"),
        (None, None, "sv,en;q=0.5,de;q=0.7", "de"),
        (None, None, "de;q=0,en", "en"),
        (None, None, "de;q=x, fi ;q=0.1", "fi"),
        (None, "de", "fi", "de"),
        ("fi", "de", "en", "fi"),
        ("xx", "de", "en", "de"),
        ("../../etc", None, "\0;;,=", "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_best_that_the_browser_takes(
    asked, usual, accepted, chosen
):
    assert choose(asked, usual, accepted) == chosen


def test_days_and_statuses_are_said_in_the_language(speak):
    monday = date(2026, 11, 23)
    assert day_words(monday) == "Mon 23 Nov 2026"
    speak("de")
    assert day_words(monday) == "Mo 23. Nov. 2026"
    assert words_of("Good") == "Aufrecht"
    speak("fi")
    assert day_words(monday) == "ma 23.11.2026"


def test_the_page_is_in_the_browser_s_language_and_in_the_one_that_is_chosen(
    start_page, rows, open_tab
):
    rows.add("desk")
    page = start_page()
    tab = open_tab(page, locale="de-DE")
    expect(tab.locator("html")).to_have_attribute("lang", "de")
    expect(tab.locator("[data-pi=desk] .status")).to_have_text("Aufrecht")
    expect(tab.locator(".numbers")).to_contain_text("1 Kamera")
    expect(tab.locator("[data-pi=desk] time")).to_have_text(re.compile("jetzt|vor"))
    rows.add("desk", "Bad", 44, 31)
    expect(tab.locator("[data-pi=desk] .status")).to_have_text("Geneigt")
    tab.get_by_role("link", name="Suomi").click()
    expect(tab.locator("[data-pi=desk] .status")).to_have_text("Kumarassa")
    tab.locator("header").get_by_role("link", name="Taulukko").click()  # it stays so
    expect(tab.locator("h1")).to_have_text("Taulukko")
    tab.check_accessible()


def test_an_error_is_said_in_the_language(start_page):
    page = start_page(PAGE_LANGUAGE="fi")
    status, _, text = page.get("/camera?pi=desk&day=huomenna")
    assert status == 400
    assert "huomenna ei ole päivä" in text
    assert "ist kein Tag" in page.get("/camera?pi=desk&day=morgen&lang=de")[2]
