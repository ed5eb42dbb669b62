"""When somebody is nudged: rules without a clock of their own."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.times import QuietHours
from nudge.patience import Nudge, Rule, sitting

RULE = Rule(minutes=10, share=0.6, away=3, period=timedelta(hours=1))


def minutes(text: str) -> dict[int, bool]:
    """One character a minute: b bad, g good, anything else nobody."""
    return {n: each == "b" for n, each in enumerate(text) if each in "bg"}


def bad(text: str, later: int = 0) -> int:
    """How many minutes are worth a nudge, so many minutes after the last one."""
    return RULE.bad_minutes(minutes(text), len(text) - 1 + later)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ("bbbbbbbbbb", 10),
        ("ggggbbbbbb", 6),
        ("bgbbgbbgbb", 7),
        ("ggggggggggggbbbbbb", 6),
        ("b..b..b..b", 10),  # a slow camera
    ],
)
def test_bad_for_most_of_the_time_is_worth_a_nudge(seen, expected):
    assert bad(seen) == expected


@pytest.mark.parametrize(
    "seen",
    [
        "",
        "..........",
        "gggggggggg",
        "bbbbbbbbb",  # not long enough
        "gggggbbbbb",  # half of it
        "bbbbbbbbbg",  # sits well now
        "bbbbb...bbbbbbbbb",  # away in between, so it began anew
        "bbbbbbbbbb....",  # gone, though for more than a moment
    ],
)
def test_anything_else_is_not(seen):
    assert bad(seen, later=seen.count(".")) == 0


def test_who_has_just_left_is_not_nudged():
    assert bad("bbbbbbbbbb", later=3) == 10
    assert bad("bbbbbbbbbb", later=4) == 0


def test_pictures_from_the_future_do_not_count_yet():
    assert RULE.bad_minutes(minutes("ggggggggggbbbbbbbbbb"), 9) == 0


SEEN = st.dictionaries(st.integers(0, 60), st.booleans())


@given(SEEN, st.integers(0, 70))
def test_nobody_is_nudged_without_bad_minutes_enough(seen, now):
    found = RULE.bad_minutes(seen, now)
    assert found == 0 or 6 <= found <= 10
    # A minute that was seen stands for the next three at most.
    assert found <= 4 * sum(seen.values())


@given(SEEN, st.integers(0, 70))
def test_older_minutes_than_the_horizon_change_nothing(seen, now):
    horizon = RULE.horizon // timedelta(minutes=1)
    recent = {each: bad for each, bad in seen.items() if each >= now - horizon}
    assert RULE.bad_minutes(recent, now) == RULE.bad_minutes(seen, now)


def test_a_picture_stands_for_the_minutes_until_the_next_one():
    assert sitting(minutes("b..g.b"), now=5, away=3) == [
        True, True, True, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "moment", "quiet"),
    [
        (18, 8, 17, False),
        (18, 8, 18, True),
        (18, 8, 2, True),
        (18, 8, 8, False),
        (12, 13, 12, True),
        (12, 13, 13, False),
        (12, 12, 12, False),
    ],
)
def test_quiet_hours_may_go_over_midnight(start, end, moment, quiet):
    hours = QuietHours(time(start), time(end))
    assert hours.cover(datetime(2026, 11, 25, moment, tzinfo=UTC)) is quiet


def test_the_words_are_a_hint_about_a_place():
    nudge = Nudge("desk1", 24, 30, datetime(2026, 11, 25, tzinfo=UTC))
    assert nudge.title == "Time to sit up or stretch"
    assert nudge.text == (
        "desk1: leaning in 24 of the last 30 minutes. Sit up, or get up for a moment."
    )
