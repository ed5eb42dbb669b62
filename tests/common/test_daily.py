"""Work of every day, by a clock of the test's own."""

from datetime import UTC, datetime, time, timedelta

from common.daily import every_day, next_time
from common.signals import Stop

AT = time(3, 17)
EVENING = datetime(2026, 11, 25, 18, 0, tzinfo=UTC)


def test_the_next_time_is_today_or_tomorrow_and_never_now():
    assert next_time(AT, EVENING) == datetime(2026, 11, 26, 3, 17, tzinfo=UTC)
    assert next_time(AT, datetime(2026, 11, 26, 1, 0, tzinfo=UTC)) == datetime(
        2026, 11, 26, 3, 17, tzinfo=UTC
    )
    assert next_time(AT, datetime(2026, 11, 26, 3, 17, tzinfo=UTC)).day == 27


class Clock:
    """Goes on by twenty minutes with each look."""

    def __init__(self):
        self.time = EVENING

    def __call__(self):
        self.time += timedelta(minutes=20)
        return self.time


def runs(clock, *results):
    """When work is done that has these results, one after the other."""
    times, left, stop = [], list(results), Stop()

    def work():
        times.append(clock.time)
        if len(left) == 1:
            stop.set()
        return left.pop(0)

    every_day(AT, work, stop, clock, look=0)
    return times


def test_it_is_done_at_once_and_then_each_night():
    first, second, third = runs(Clock(), True, True, True)
    assert first - EVENING < timedelta(hours=1)
    morning = datetime(2026, 11, 26, 3, 17, tzinfo=UTC)
    assert timedelta(0) <= second - morning < timedelta(hours=1)
    assert third - second > timedelta(hours=22)


def test_what_has_failed_is_tried_again_within_hours():
    first, second, third = runs(Clock(), False, True, True)
    assert timedelta(minutes=30) < second - first < timedelta(hours=3)
    assert third.day == second.day + 1
