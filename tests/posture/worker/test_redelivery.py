"""Which picture a delivery is, on brokers that call a redelivery differently."""

from dataclasses import replace

import pytest

from posture.mqtt.message import Message
from posture.worker.dedup import Known, Written, fresh_key, key_of
from posture.worker.redelivery import Doubt, Redelivery


class Worker:
    """Takes deliveries as the worker does; `rows` is what it has written."""

    def __init__(self, *earlier: str) -> None:
        self.redelivery = Redelivery()
        self.written = Written()
        self.written.recall(enumerate(earlier, 1))
        self.rows = len(earlier)

    def take(self, generation, *deliveries, acknowledge=True):
        """Deliveries (number, payload, mark) of one connection; False: ask."""
        return self.work(self.hear(generation, *deliveries), acknowledge)

    def hear(self, generation, *deliveries):
        """Deliveries that the network thread has taken, and no analyst yet."""
        return [self._observe(generation, *each) for each in deliveries]

    def work(self, messages, acknowledge=True):
        done = [self._work(each, acknowledge) for each in messages]
        return all(done)

    def _observe(self, generation, mid, payload, again=False):
        message = Message(generation, 0, mid, 1, "images/pi1", payload, again)
        self.redelivery.count(generation)
        own = self.redelivery.observe(message, key(mid, payload))
        return replace(message, key=own)

    def _work(self, message, acknowledge):
        equal = self.written.equal_to(message.key)
        known = self.redelivery.which(message, equal)
        if known is Doubt.ASK:
            return False
        if not isinstance(known, Known):
            self.rows += 1
            fresh = fresh_key(message.key, equal)
            self.written.add(fresh, message.generation, self.rows)
        if acknowledge:
            self.redelivery.done(message)
        return True


def key(mid, payload):
    return key_of("posture", mid, "images/pi1", payload)


def test_the_same_number_is_the_same_picture_with_a_mark_or_without():
    worker = Worker()
    worker.take(1, (1, b"a"), (2, b"b"), acknowledge=False)
    assert worker.take(2, (1, b"a", True), (2, b"b"))
    assert worker.rows == 2


@pytest.mark.parametrize("marked", [True, False], ids=["RabbitMQ", "Artemis"])
def test_what_was_not_acknowledged_and_comes_under_another_number_is_no_new_picture(
    marked,
):
    worker = Worker()
    worker.take(1, (1, b"a"))
    worker.take(1, (2, b"b"), (3, b"c"), acknowledge=False)
    assert worker.take(2, (4, b"b", marked), (5, b"c", marked), (6, b"d"))
    assert worker.rows == 4
    assert worker.redelivery.same_number is False
    assert worker.redelivery.marks is marked


def test_what_is_still_worked_on_of_one_connection_takes_nothing_from_the_next():
    worker = Worker()
    pictures = (b"a", b"b", b"b")
    worker.take(1, *enumerate(pictures, 1))  # and no acknowledgement gets through
    worker.take(1, (4, b"c"), acknowledge=False)
    second = worker.hear(2, *enumerate(pictures, 5), (8, b"c"))
    third = worker.hear(3, *enumerate(pictures, 9), (12, b"c"))
    assert worker.work(second, acknowledge=False)
    assert worker.work(third)
    assert worker.rows == 4


def test_a_message_that_is_looked_at_twice_is_the_same_both_times():
    worker = Worker(key(1, b"a"))
    worker.take(1, (7, b"b"), acknowledge=False)
    messages = worker.hear(2, (8, b"b"), (9, b"a"))
    assert worker.work(messages * 2, acknowledge=False)
    assert worker.rows == 2


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param((1, b"b", True), (1, b"b", True), id="RabbitMQ"),
        pytest.param((7, b"b"), (8, b"b"), id="Artemis"),
    ],
)
def test_a_row_of_an_earlier_life_under_another_number_is_asked_about_and_found(
    first, then
):
    worker = Worker(key(1, b"a"), key(2, b"b"))
    assert not worker.take(1, first)
    assert worker.take(2, then)
    assert worker.rows == 2


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param((3, b"a"), (3, b"a", True), id="Mosquitto"),
        pytest.param((1, b"a"), (1, b"a", True), id="HiveMQ, whose numbers begin anew"),
        pytest.param((3, b"a"), (3, b"a"), id="without a mark, aedes"),
    ],
)
def test_equal_bytes_of_a_camera_keep_two_rows_where_the_broker_tells(first, then):
    worker = Worker(key(2, b"a"))
    assert not worker.take(1, first)
    assert worker.take(2, then)
    assert worker.rows == 2


def test_the_broker_is_asked_once():
    worker = Worker(key(2, b"a"), key(3, b"b"))
    assert not worker.take(1, (7, b"a"), (8, b"b"))
    assert worker.take(2, (7, b"a", True), (8, b"b", True), (9, b"a"), (10, b"b"))
    assert worker.rows == 6


def test_equal_bytes_in_one_connection_are_never_asked_about():
    worker = Worker()
    assert worker.take(1, (1, b"a"), (2, b"a"), (3, b"a"))
    assert worker.rows == 3


def test_equal_pictures_that_are_not_done_come_again_each_once():
    worker = Worker()
    worker.take(1, (1, b"a"), (2, b"a"), acknowledge=False)
    assert worker.take(2, (3, b"a"), (4, b"a"), (5, b"a"))
    assert worker.rows == 3


def test_a_number_that_comes_twice_in_one_connection_with_a_mark_is_one_picture():
    worker = Worker()
    assert worker.take(1, (1, b"a"), (1, b"a", True))
    assert worker.rows == 1


def test_what_was_written_long_ago_is_not_thought_of():
    worker = Worker(key(1, b"a"))
    worker.redelivery = Redelivery(started=-1e9)
    assert worker.take(1, (7, b"a"))
    assert worker.rows == 2
