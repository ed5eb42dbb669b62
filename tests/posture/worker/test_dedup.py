import re
import threading
import time

import pytest

from posture.mqtt.message import Message
from posture.worker.dedup import InHand, Written, fresh_key, key_of, session_mark
from posture.worker.redelivery import Redelivery
from tests.fixtures.net import wait_until

MESSAGE = {"slot": "posture-1", "mid": 7, "topic": "images/pi1", "payload": b"frame"}


def test_every_delivery_of_a_message_has_the_same_key():
    assert key_of(**MESSAGE) == key_of(**MESSAGE)
    assert re.fullmatch("[0-9a-f]{32}", key_of(**MESSAGE))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"slot": "posture-2"}, id="other session"),
        pytest.param({"mid": 8}, id="an equal frame, sent later"),
        pytest.param({"topic": "images/pi2"}, id="other camera"),
        pytest.param({"payload": b"frame2"}, id="other picture"),
        pytest.param({"topic": "images/pi1\0f", "payload": b"rame"}, id="shifted"),
    ],
)
def test_different_messages_have_different_keys(other):
    assert key_of(**MESSAGE | other) != key_of(**MESSAGE)


def test_messages_without_a_number_never_share_a_key():
    assert len({key_of(**MESSAGE | {"mid": None}) for _ in range(100)}) == 100


def test_the_beginning_of_a_key_names_session_and_picture():
    key, other = key_of(**MESSAGE), key_of(**MESSAGE | {"mid": 8})
    assert key[:24] == other[:24]
    assert key.startswith(session_mark("posture-1"))
    assert key_of(**MESSAGE | {"payload": b"2"})[6:24] != key[6:24]


def message(generation, session=0):
    return Message(generation, session, 7, 1, "images/pi1", b"frame", key=KEY)


KEY = key_of(**MESSAGE)


def known_to(written, generation, session=0):
    return Redelivery().which(message(generation, session), written.equal_to(KEY))


def test_what_is_committed_is_known_on_later_connections():
    written = Written()
    written.add(KEY, 1, 77)

    assert known_to(written, 2).id == 77
    assert KEY in written
    assert key_of(**MESSAGE | {"mid": 8}) not in written


def test_what_the_table_tells_of_an_earlier_life_is_known():
    written = Written()
    written.recall([(5, KEY)])

    assert known_to(written, 1).id == 5
    assert known_to(written, 1, session=1) is None  # the broker had no session


def test_what_the_table_has_lost_is_known_no_more():
    written, other = Written(), key_of(**MESSAGE | {"mid": 8})
    written.recall([(5, KEY), (6, other)])

    written.discard(KEY)

    assert KEY not in written
    assert [each.key for each in written.equal_to(KEY)] == [other]


def test_a_number_used_again_within_a_connection_is_a_new_message():
    written = Written()
    keys = [KEY]
    for number in range(5):
        written.add(keys[-1], 1, number)
        assert known_to(written, 1) is None
        keys.append(fresh_key(KEY, written.equal_to(KEY)))

    assert len(set(keys)) == 6
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)
    assert {key[:24] for key in keys} == {KEY[:24]}


def test_a_row_that_is_written_meanwhile_gives_its_own_message_no_other_name():
    written = Written()
    known = written.equal_to(KEY)
    written.add(KEY, 1, 77)

    assert fresh_key(KEY, known) == KEY


def test_a_new_session_redelivers_nothing_from_the_one_before():
    written = Written()
    written.add(KEY, 1, 77)

    assert known_to(written, 3, session=1)
    assert known_to(written, 3, session=2) is None


def test_only_the_newest_pictures_are_remembered():
    written = Written(limit=3)
    for key in "abc":
        written.add(key, 1, 1)
    written.add("a", 2, 2)
    written.add("d", 2, 3)

    assert [key for key in "abcd" if key in written] == ["a", "c", "d"]


def test_messages_in_hand_are_counted_in_bytes():
    in_hand = InHand()

    assert [in_hand.take(10), in_hand.take(5)] == [10, 15]
    in_hand.done(10)
    assert in_hand.bytes == 5


def test_nobody_is_idle_with_a_message_in_hand():
    in_hand = InHand()
    wait_until(lambda: in_hand.idle_for() > 0, "time passes")
    in_hand.take(1)

    assert in_hand.idle_for() == 0
    in_hand.done(1)
    wait_until(lambda: in_hand.idle_for() > 0.01, "idle time counts again")


def test_idle_time_can_be_counted_anew():
    in_hand = InHand()
    wait_until(lambda: in_hand.idle_for() > 0.3, "time passes")

    in_hand.restart_idle_clock()

    assert in_hand.idle_for() < 0.3


def test_waiting_ends_when_few_bytes_are_left():
    in_hand = InHand()
    for _ in range(3):
        in_hand.take(10)
    assert not in_hand.wait_until_few(10, 0.01)

    def work() -> None:
        for _ in range(2):
            time.sleep(0.01)
            in_hand.done(10)

    worker = threading.Thread(target=work)
    worker.start()

    assert in_hand.wait_until_few(10, 10)
    assert in_hand.count == 1
    worker.join()
