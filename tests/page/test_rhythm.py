"""When a camera is silent, by its own rhythm."""

from datetime import timedelta

from page.rhythm import SHORTEST, UNKNOWN, Rhythm


def heard(*pauses):
    rhythm = Rhythm()
    for pause in pauses:
        rhythm.add(pause)
    return rhythm


def test_a_quick_camera_is_silent_after_a_minute_and_a_slow_one_later():
    assert heard(5, 5, 5).patience == SHORTEST
    assert heard(60, 60, 60).patience == timedelta(minutes=5)


def test_of_one_picture_no_rhythm_is_known():
    assert Rhythm().patience == UNKNOWN


def test_a_night_does_not_make_a_camera_slow():
    assert heard(*[60] * 20, 14 * 3600).patience < timedelta(minutes=10)


def test_a_backlog_and_clocks_that_differ_do_not_count():
    assert heard(60, 0, -30).patience == timedelta(minutes=5)


def test_a_camera_that_sends_less_often_now_is_followed():
    assert heard(*[10] * 10, *[120] * 30).patience > timedelta(minutes=9)
