"""What a pause says, and how it is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from common.pause import FOR_GOOD, as_text, kept_text, paused_until

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "off", "OFF", "0", "2026-11-25T11:59Z"])
def test_no_pause(text):
    assert paused_until(text, NOW) is None


def test_minutes_begin_now():
    assert paused_until("60", NOW) == NOW + timedelta(hours=1)


def test_a_time_is_taken_with_its_zone():
    until = paused_until("2026-11-25T15:00+02:00", NOW)
    assert until == NOW + timedelta(hours=1)


@pytest.mark.parametrize("text", ["soon", "2026-11-25T14:00", "-5", "1.5", "²"])
def test_what_is_no_pause_is_refused_by_name(text):
    with pytest.raises(ValueError, match="is no pause"):
        paused_until(text, NOW)


@pytest.mark.parametrize("until", [None, FOR_GOOD, NOW + timedelta(minutes=5)])
def test_what_is_kept_means_the_same_later(until):
    assert paused_until(as_text(until), NOW) == until


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("60", "2026-11-25T13:00:00+00:00"),
        ("0", "off"),
        ("on", None),
        ("OFF", None),
        ("2026-11-25T13:00:00+00:00", None),
        ("2026-11-25T11:00:00+00:00", "off"),
        ("", None),
    ],
)
def test_minutes_become_a_time_and_the_rest_stays(text, kept):
    assert kept_text(text, paused_until(text, NOW)) == kept
