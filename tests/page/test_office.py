"""The rules of a room's week: what is shown, and that it tells of no place."""

from hypothesis import given
from hypothesis import strategies as st

from page.office import PLACES, STEP, Hour, Span, occasions, places, room, span

SHARES = st.lists(st.floats(0, 100, allow_nan=False), min_size=PLACES + 1, max_size=12)


def hours(shares, judged=50, hour=9):
    return [
        Hour(f"desk{n}", 0, hour, judged, round(judged * share / 100))
        for n, share in enumerate(shares)
    ]


def test_an_hour_of_fewer_than_five_places_is_not_shown():
    assert room(hours([40] * 5)) == {(0, 9): Span(40, 60)}
    assert not room(hours([40] * 4))
    assert places(hours([40] * 4)) == 4


def test_a_place_that_was_hardly_judged_makes_no_fifth():
    assert not room([*hours([40] * 4), Hour("desk5", 0, 9, 9, 9)])


def test_each_place_counts_alike_however_long_somebody_sat_there():
    long, short = Hour("long", 0, 9, 60, 60), hours([0] * 6, judged=10)
    assert room([long, *short]) == {(0, 9): Span(0, 20)}


def test_where_one_place_more_or_less_would_change_the_step_both_are_shown():
    assert span([45, 45, 50, 50, 50, 50]) == Span(40, 60)
    assert span([0, 50, 50, 50, 50, 50]) == Span(40, 60)
    assert span([0, 45, 45, 45, 45, 45]) == Span(20, 60)


@given(SHARES, st.data())
def test_two_views_that_differ_by_one_place_leave_any_share_of_it_possible(
    shares, data
):
    left_out = data.draw(st.integers(0, len(shares) - 1))
    others = shares[:left_out] + shares[left_out + 1 :]
    with_it, without = span(shares), span(others)
    # The mean without it is known to lie in both spans: that of the larger view holds
    # all its means with one place left out.
    low, high = max(with_it.low, without.low), min(with_it.high, without.high)
    assert high - low >= STEP
    n = len(shares)
    assert n * with_it.low - (n - 1) * high <= 0
    assert n * with_it.high - (n - 1) * low >= 100


@given(SHARES)
def test_the_order_of_places_changes_nothing(shares):
    assert span(shares) == span(shares[::-1])


def test_occasions_are_told_from_what_is_shown_alone():
    shown = {(2, 13): Span(60, 80), (2, 14): Span(40, 80), (0, 9): Span(20, 60)}
    assert occasions(shown) == ["Wednesday 13 to 15"]
    assert occasions({(4, 9): Span(40, 60), **shown})[-1] == "Friday 9 to 10"
