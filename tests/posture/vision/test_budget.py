import threading

import pytest

from posture.vision.budget import Budget
from tests.fixtures.net import wait_until


class Taker(threading.Thread):
    """Takes its share, and keeps it until told otherwise."""

    def __init__(self, budget: Budget, share: int) -> None:
        super().__init__(daemon=True)
        self._budget, self._share = budget, share
        self.has, self.give_back = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with self._budget.taking(self._share):
            self.has.set()
            self.give_back.wait(10)


def test_small_shares_are_taken_side_by_side():
    budget = Budget(10)
    takers = [Taker(budget, 5), Taker(budget, 5)]

    assert all(each.has.wait(5) for each in takers)


def test_the_largest_share_is_alone():
    budget = Budget(10)
    small = Taker(budget, 1)
    assert small.has.wait(5)
    large = Taker(budget, 10)

    assert not large.has.wait(0.05)
    small.give_back.set()
    assert large.has.wait(5)


def test_small_shares_do_not_keep_a_large_one_waiting_for_ever():
    budget = Budget(10)
    first = Taker(budget, 1)
    assert first.has.wait(5)
    large = Taker(budget, 10)
    wait_until(budget._first_in_line.locked, "the large one in line")
    later = Taker(budget, 1)

    assert not later.has.wait(0.05)
    first.give_back.set()
    assert large.has.wait(5)
    large.give_back.set()
    assert later.has.wait(5)


def test_what_was_taken_is_given_back_after_an_error():
    budget = Budget(10)
    with pytest.raises(ZeroDivisionError), budget.taking(10):
        _ = 1 / 0

    with budget.taking(10):
        pass
