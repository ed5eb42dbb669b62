"""The documentation is in short sentences, and in words that mean what they say."""

import re

from tools.sentences import LONGEST, pages, sentences, too_long


def test_hardly_any_sentence_is_too_long():
    # Which ones: python -m tools.sentences
    texts = [page.read_text() for page in pages()]
    found = [each for text in texts for each in too_long(text)]
    assert len(found) <= sum(len(list(sentences(text))) for text in texts) // 200, found


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


def test_hardly_anything_is_told():
    # Reported, shown, published or known: each says who does what.
    told = re.compile(r".*\b(?:is|was|are|were|be) told\b.*")
    found = [line for page in pages() for line in told.findall(page.read_text())]
    assert len(found) <= 3, found
