"""The rules of a week: minutes into hours, sentences and lengths of time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from common.errors import OperatorError
from page.week import (
    Minute,
    days_shown,
    duration,
    hours_shown,
    monday_of,
    occasions,
    verdict,
    week_of,
)
from page.weeks import read_week

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


def sat(text, begin=MONDAY):
    """Minutes of a text: l leaning, u upright, . nobody."""
    return [
        Minute(begin + timedelta(minutes=n), each == "l")
        for n, each in enumerate(text)
        if each != "."
    ]


def test_an_hour_of_which_too_little_was_judged_says_nothing():
    week = week_of(sat("l" * 9))
    assert week.cell(0, 9).share is None
    assert week_of(sat("l" * 7 + "u" * 3)).cell(0, 9).share == 70


def test_changes_are_counted_but_not_over_an_absence():
    assert week_of(sat("lluull")).changes == 2
    assert week_of(sat("ll" + "." * 10 + "uu")).changes == 0


def test_the_longest_time_in_one_posture_ends_with_an_absence():
    week = week_of(sat("uuuu" + "." * 10 + "uuu" + "lllll"))
    assert week.longest == (timedelta(minutes=5), True)
    assert week_of([]).longest[0] == timedelta()


def test_occasions_are_the_hours_that_were_mostly_leaning():
    minutes = sat("l" * 120 + "u" * 60)
    minutes += sat("l" * 40 + "u" * 20, MONDAY + timedelta(days=2, hours=4))
    assert occasions(week_of(minutes)) == ["Monday 9 to 11", "Wednesday 13 to 14"]


@pytest.mark.parametrize(
    ("this", "last", "said"),
    [
        ("l" * 30 + "u" * 70, "l" * 52 + "u" * 48, "Less leaning than"),
        ("l" * 52 + "u" * 48, "l" * 30 + "u" * 70, "More leaning than"),
        ("l" * 50 + "u" * 50, "l" * 52 + "u" * 48, "About as much"),
        ("l" * 50 + "u" * 50, "l" * 59, "week before to compare"),
        ("", "l" * 90, "Too little was seen in this week"),
    ],
)
def test_two_weeks_are_compared_only_where_enough_was_seen(this, last, said):
    assert said in verdict(week_of(sat(this)), week_of(sat(last)))


def test_a_weekend_is_shown_if_somebody_was_there():
    assert [name for _, name in days_shown(week_of(sat("l")).cells)][-1] == "Fri"
    saturday = week_of(sat("l", MONDAY + timedelta(days=5, hours=11)))
    assert [name for _, name in days_shown(saturday.cells)][-1] == "Sat"
    assert list(hours_shown(saturday.cells))[-1] == 20


def test_lengths_of_time_are_words():
    assert duration(timedelta(minutes=45)) == "45 min"
    assert duration(timedelta(minutes=80)) == "1 h 20 min"


def test_a_week_is_named_by_any_of_its_days():
    zone = ZoneInfo("Europe/Berlin")
    assert read_week("2026-11-25", zone, MONDAY) == date(2026, 11, 23)
    assert read_week("", zone, datetime(2026, 11, 22, 23, 30, tzinfo=UTC)) == (
        date(2026, 11, 23)  # it is Monday there already
    )
    assert monday_of(date(2026, 11, 23)) == date(2026, 11, 23)


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "x", "2026-13-01"])
def test_what_is_no_week_is_refused(text):
    with pytest.raises(OperatorError, match="is no week"):
        read_week(text, ZoneInfo("Europe/Berlin"), MONDAY)
