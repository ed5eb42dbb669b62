"""The rules for running Jobs, where a whole cluster would be too coarse a tool."""

import dataclasses

import pytest

from kube.jobs import Job, Pod
from kube.nodes import Node
from placement.decision import Candidate, Decision, Memory, Reason
from placement.hand_over import Action, View, judge
from placement.settings import ChoiceSettings, HandOverSettings
from placement.troubles import Troubles
from tests.fixtures.settings import read_settings

RULES = read_settings(ChoiceSettings, margin="15", hold="120", worker_load="0")
SETTINGS = read_settings(HandOverSettings)
JOB = Job("j", "uid", 0.0, "a", (Pod("p", "a", None),))


def view(loads, *, chosen, lagging=None, pinned=None, **changes):
    """Nodes with these loads, of which one is chosen, at second 1000."""
    found = tuple(
        Candidate(name, name, load, 1.0, int(name == "a"), None)
        for name, load in loads.items()
    )
    memory = Memory(chosen, lagging=lagging or {})
    decision = Decision(chosen, chosen, None, Reason(""), found, memory, 1000.0)
    nodes = {name: Node(name, name) for name in loads}
    made = View(
        decision, pinned or chosen, nodes, {}, {}, float("-inf"), wall=100_000.0
    )
    return dataclasses.replace(made, **changes)


def action(job, seen, settings=SETTINGS):
    verdict = judge(job, seen, settings, RULES)
    return verdict.action if verdict else None


LAGGING = {"a": 880.0}


def test_a_node_that_has_been_worse_for_the_hold_time_is_left():
    seen = view({"a": 90, "b": 10}, chosen="b", lagging=LAGGING)
    assert action(JOB, seen) is Action.HAND_OVER


@pytest.mark.parametrize(
    "seen",
    [
        view({"a": 90, "b": 10}, chosen="b", lagging={"a": 881.0}),
        view({"a": 90, "b": 10}, chosen="b"),
        view({"a": 90, "b": 10}, chosen="a", lagging=LAGGING),
        view({"a": 90, "b": 10}, chosen="b", lagging=LAGGING, pinned="a"),
        view({"a": 90, "b": 10}, chosen=None, lagging=LAGGING),
    ],
    ids=["not for long", "no more", "not chosen", "not carried", "no choice"],
)
def test_otherwise_a_running_job_is_left_alone(seen):
    assert action(JOB, seen) is None


def test_a_job_does_not_move_to_a_chosen_node_that_is_hardly_better():
    # The choice itself may lag behind the best node for its own hold time.
    seen = view({"a": 40, "b": 30, "c": 5}, chosen="b", lagging=LAGGING)
    assert action(JOB, seen) is None


def test_a_node_lost_for_a_moment_is_no_reason():
    seen = view({"b": 10}, chosen="b", lost_since={"a": 990.0})
    assert action(JOB, seen) is None


def test_a_pod_that_fits_nowhere_waits_when_the_next_would_go_there_too():
    waiting = dataclasses.replace(JOB, pods=(Pod("p", None, "0/2 nodes fit"),))
    seen = view({"a": 10, "b": 90}, chosen="a", misfit_since={"uid": 0.0})
    assert action(waiting, seen) is Action.WAIT
    seen = view({"a": 10, "b": 90}, chosen="b", misfit_since={"uid": 0.0})
    assert action(waiting, seen) is Action.REPLACE


def test_a_node_where_a_pod_did_not_fit_is_passed_over_for_a_while():
    waiting = dataclasses.replace(JOB, pods=(Pod("p", None, "no room"),))
    troubles, nodes = Troubles(SETTINGS), [Node("a", "a")]
    troubles.notice(nodes, [waiting], 0)
    troubles.notice(nodes, [waiting], 59)
    assert troubles.refused == {}
    troubles.notice(nodes, [waiting], 60)
    said = "the last pod did not fit there: no room"
    assert {node: str(why) for node, why in troubles.refused.items()} == {"a": said}
    troubles.notice(nodes, [], 659)
    assert "a" in troubles.refused
    troubles.notice(nodes, [], 660)
    assert troubles.refused == {}


@pytest.mark.parametrize("state", [{"ready": False}, {"cordoned": True}])
def test_a_node_that_is_down_is_not_blamed_when_it_is_up_again(state):
    waiting = dataclasses.replace(JOB, pods=(Pod("p", None, "not Ready"),))
    troubles = Troubles(SETTINGS)
    for now in (0, 100):
        troubles.notice([Node("a", "a", **state)], [waiting], now)
    assert troubles.refused == {}
