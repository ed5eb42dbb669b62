"""Readings in the background."""

import threading
import time

import pytest

from common.errors import OperatorError
from scaler.polling import NotKnownError, Poll
from tests.fixtures.net import wait_until


class Source:
    """Something to read, as the test wants it."""

    def __init__(self):
        self.value: object = 1
        self.count = 0
        self.hang = threading.Event()
        self.hang.set()

    def read(self):
        self.count += 1
        self.hang.wait(30)
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


@pytest.fixture
def source():
    made = Source()
    yield made
    made.hang.set()


@pytest.fixture
def poll(source):
    made = Poll("GPU loads", source.read, interval=0.01)
    yield made
    made.stop()


def test_before_the_first_reading_nothing_is_known(poll):
    with pytest.raises(NotKnownError, match="GPU loads: no reading yet"):
        poll.fresh(3600)


def test_the_last_value_is_kept(source, poll):
    poll.start()
    wait_until(lambda: poll.latest.value == 1, "first value")
    source.value = 2
    wait_until(lambda: poll.fresh(60) == 2, "second value")


@pytest.mark.parametrize(
    ("error", "said"),
    [(OperatorError("Prometheus is away"), "away"), (KeyError("x"), "KeyError")],
)
def test_a_failed_reading_ends_nothing_and_is_said_once_it_matters(
    source, poll, error, said
):
    poll.start()
    wait_until(lambda: poll.latest.value == 1, "a value")
    source.value = error
    wait_until(lambda: poll.latest.problem, "the failure")
    assert poll.fresh(60) == 1
    old = rf"last read \d+ s ago, limit 0 s: .*{said}"
    with pytest.raises(NotKnownError, match=old):
        poll.fresh(0)
    source.value = 3
    wait_until(lambda: poll.fresh(60) == 3, "it reads again")
    assert poll.latest.problem is None


def test_a_failure_that_lasts_is_logged_once(source, poll, caplog):
    source.value = OperatorError("Prometheus is away")
    poll.start()
    wait_until(lambda: source.count > 5, "some readings")
    assert caplog.text.count("Prometheus is away") == 1


def test_a_reading_that_hangs_keeps_nobody_waiting(source, poll):
    poll.start()
    wait_until(lambda: poll.latest.value == 1, "a value")
    source.hang.clear()
    seen = source.count
    wait_until(lambda: source.count > seen, "a reading that hangs")
    begun = time.monotonic()
    assert poll.fresh(60) == 1
    with pytest.raises(NotKnownError, match="under way does not end"):
        poll.fresh(0)
    assert time.monotonic() - begun < 1


def test_a_reading_is_as_old_as_what_it_takes_in(source):
    poll = Poll("GPU loads", source.read, 60, lambda: time.monotonic() - 100)
    poll.start()
    poll.wait_for_first()
    with pytest.raises(NotKnownError, match=r"last read 10\d s ago, limit 60 s"):
        poll.fresh(60)
    assert poll.fresh(120) == 1
    poll.stop()


def test_a_first_reading_that_fails_is_waited_for_as_well(source):
    source.value = OperatorError("away")
    poll = Poll("GPU loads", source.read, 60)
    poll.start()
    poll.wait_for_first()
    with pytest.raises(NotKnownError, match="away"):
        poll.fresh(60)
    poll.stop()
