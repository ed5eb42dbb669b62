"""When the master's CPU counts as overloaded."""

import pytest

from scaler.cpu_monitor import Pressure, PressureRule, next_pressure

RULE = PressureRule(threshold=60, hysteresis=10, hold=30)


def after(*readings):
    """The state after readings, one every ten seconds, and all answers on the way."""
    state, answers = Pressure(), []
    for number, percent in enumerate(readings):
        state = next_pressure(state, percent, number * 10.0, RULE)
        answers.append(state.high)
    return answers


@pytest.mark.parametrize(
    ("readings", "answers"),
    [
        pytest.param([90, 90, 90, 90], [False] * 3 + [True], id="lasting load"),
        pytest.param([90, 90, 10, 90, 90, 90], [False] * 6, id="short peaks"),
        pytest.param([60] * 9, [False] * 9, id="at the threshold"),
        pytest.param(
            [90] * 4 + [55] * 9, [False] * 3 + [True] * 10, id="a little below"
        ),
        pytest.param(
            [90] * 4 + [40] * 4, [False] * 3 + [True] * 4 + [False], id="well below"
        ),
        pytest.param(
            [90] * 4 + [40, 40, 40, 90, 40, 40, 40],
            [False] * 3 + [True] * 8,
            id="short rests",
        ),
    ],
)
def test_only_what_lasts_counts(readings, answers):
    assert after(*readings) == answers


def test_without_a_hold_time_it_counts_at_once():
    rule = PressureRule(threshold=60, hysteresis=0, hold=0)
    assert next_pressure(Pressure(), 61, 0.0, rule).high
    assert not next_pressure(Pressure(high=True), 59, 0.0, rule).high
