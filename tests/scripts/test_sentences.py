"""The documentation is in short sentences, and in words that mean what they say."""

import re

import pytest

from tools.sentences import LONGEST, pages, sentences, too_long


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_sentence_is_too_long(page):
    # Which ones: python -m tools.sentences
    assert not too_long(page.read_text())


def test_sentences_are_found_in_paragraphs_lists_and_quotations_alone():
    text = (
        "# A heading\n\nOne. Two `make a.b` words.\nThree\n\n- four\n- five; still\n\n"
        "> Six. 7 is one too.\n\n    a command\n\n| a | table |\n\n```\ncode\n```\n"
    )
    assert list(sentences(text)) == [
        *("One.", "Two `make a.b` words.", "Three", "four", "five; still", "Six."),
        "7 is one too.",
    ]
    assert too_long("word " * (LONGEST + 1))
    assert not too_long("word " * LONGEST)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_nothing_is_told(page):
    # Reported, shown, published or known: each says who does what.
    assert not re.findall(r"\b(?:is|was|are|were|be) told\b", page.read_text())
