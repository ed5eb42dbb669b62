"""A short run with the faults that take the least time; `make chaos` has all."""

from tests.chaos.faults import FAULTS
from tests.chaos.plan import draw
from tests.chaos.run import run

SHORT = [
    "worker killed",
    "database crashed",
    "table locked",
    "broker restarted",
    "taken over",
    "pictures full",
    "same after a loss",
]


def test_every_acknowledged_picture_has_one_row_and_one_file_whatever_fails():
    account = run(0, seed=3, rate=10, workers=2, longest=2, only=SHORT, burst=50)
    print(account)
    assert account.good
    assert account.acknowledged > 150


def test_a_plan_is_the_same_for_a_seed_and_has_every_fault():
    plan = draw(7, 600, list(FAULTS), workers=2, longest=30)
    assert plan == draw(7, 600, list(FAULTS), workers=2, longest=30)
    assert plan != draw(8, 600, list(FAULTS), workers=2, longest=30)
    assert {step.fault for step in plan} == set(FAULTS)
    assert all(10 <= step.hold <= 30 for step in plan)
