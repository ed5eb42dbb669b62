import re
import threading
import time

import pytest

from posture.worker.dedup import InHand, Written, key_of
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


def test_what_is_committed_is_known_on_later_connections():
    written = Written()
    written.add("a", generation=1)

    assert "a" in written
    assert "b" not in written
    assert written.fresh_key("a", generation=2, session=1) == "a"


def test_a_number_used_again_within_a_connection_is_a_new_message():
    written = Written()
    keys = ["a"]
    for _ in range(5):
        written.add(keys[-1], generation=1)
        keys.append(written.fresh_key("a", generation=1, session=1))

    assert len(set(keys)) == 6
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys[1:])


def test_a_new_session_redelivers_nothing_from_the_one_before():
    written = Written()
    written.add("a", generation=1)

    assert written.fresh_key("a", generation=3, session=1) == "a"
    assert written.fresh_key("a", generation=3, session=2) != "a"


def test_the_new_key_is_the_same_after_a_restart_of_the_search():
    written = Written()
    written.add("a", generation=1)

    assert written.fresh_key("a", 1, 1) == written.fresh_key("a", 1, 1) != "a"


def test_only_the_newest_keys_are_remembered():
    written = Written(limit=3)
    for key in "abc":
        written.add(key, generation=1)
    written.add("a", generation=2)
    written.add("d", generation=2)

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
