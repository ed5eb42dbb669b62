"""The choice: least load, every guard, and no flapping."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube.nodes import Node, Taint, Toleration
from placement.decision import Memory, Reading, Reason, decide
from placement.eligibility import candidates
from placement.settings import ChoiceSettings

RULES = ChoiceSettings(
    label="gpu-node", margin=10, hold=60, settle=3600, worker_load=10
)
OFFLOAD = Toleration("image-offload", "Equal", "true", "NoSchedule")


def node(name, **changes):
    wanted = {"labels": {"gpu-node": "true"}, "hostname": name}
    return Node(name, **(wanted | changes))


def look(loads, *, nodes=None, jobs=None, memory=None, now=0.0, rules=RULES):
    """One decision over nodes with these loads."""
    nodes = nodes or [node(name) for name in loads]
    readings = {
        name: load if isinstance(load, Reading) else Reading(load, 1.0)
        for name, load in loads.items()
    }
    found = candidates(nodes, readings, jobs or {}, [OFFLOAD], rules)
    return decide(found, memory or Memory(), rules, now)


def test_the_least_loaded_node_is_chosen():
    assert look({"a": 40, "b": 10, "c": 70}).node == "b"


def test_equal_loads_go_to_the_node_with_fewer_of_our_jobs_then_by_name():
    assert look({"a": 10, "b": 10}, jobs={"a": 1}).node == "b"
    assert look({"b": 10, "a": 10}).node == "a"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ready": False}, "not Ready"),
        ({"cordoned": True}, "cordoned"),
        ({"labels": {}}, "no label gpu-node"),
        ({"hostname": None}, "no label kubernetes.io/hostname"),
        ({"taints": (Taint("k", "v", "NoSchedule"),)}, "taint k=v:NoSchedule"),
        ({"taints": (Taint("k", "", "NoExecute"),)}, "taint k:NoExecute"),
    ],
)
def test_an_idle_node_that_cannot_run_pods_is_passed_over_and_said_why(changes, reason):
    nodes = [node("idle", **changes), node("busy")]
    decision = look({"idle": 0, "busy": 90}, nodes=nodes)
    assert decision.node == "busy"
    assert reason in decision.passed_over["idle"]
    assert reason in str(decision)


def test_a_tolerated_taint_and_a_mere_preference_do_not_matter():
    taints = (
        Taint("image-offload", "true", "NoSchedule"),
        Taint("other", "x", "PreferNoSchedule"),
    )
    nodes = [node("idle", taints=taints), node("busy")]
    assert look({"idle": 0, "busy": 90}, nodes=nodes).node == "idle"


@pytest.mark.parametrize(
    "reading",
    [
        Reading(None),
        Reading(math.nan),
        Reading(math.inf),
        Reading(-1.0),
        Reading(100.5),
        Reading(0.0, problem=Reason("its exporter is down")),
    ],
)
def test_unknown_is_never_idle(reading):
    decision = look({"idle": reading, "busy": 99})
    assert decision.node == "busy"
    assert "load unknown" in decision.passed_over["idle"]


def test_a_node_that_prometheus_does_not_know_is_not_chosen():
    nodes = [node("a"), node("b")]
    decision = look({"b": 50}, nodes=nodes)
    assert decision.node == "b"
    assert decision.passed_over["a"] == "load unknown: Prometheus has no load for it"


def test_with_no_eligible_node_nothing_is_chosen_and_every_reason_is_given():
    decision = look({"a": Reading(None)}, nodes=[node("a"), node("b", ready=False)])
    assert decision.node is None
    assert decision.hostname is None
    assert set(decision.passed_over) == {"a", "b"}
    assert "no node can be chosen" in str(decision)


def test_a_label_may_ask_for_a_value():
    rules = dataclasses.replace(RULES, label="gpu-node=yes")
    nodes = [node("a"), node("b", labels={"gpu-node": "yes"})]
    assert look({"a": 0, "b": 90}, nodes=nodes, rules=rules).node == "b"


def follow(steps, *, current="a", jobs=None, rules=RULES):
    """The nodes chosen over (time, loads) steps."""
    memory, chosen = Memory(current), []
    for now, loads in steps:
        decision = look(loads, jobs=jobs, memory=memory, now=now, rules=rules)
        memory = decision.memory
        chosen.append(decision.node)
    return chosen


def test_the_choice_moves_only_when_the_margin_has_held():
    better = {"a": 50, "b": 30}
    steps = [(0, better), (30, better), (59, better), (60, better)]
    assert follow(steps) == ["a", "a", "a", "b"]


def test_a_gain_below_the_margin_never_moves_the_choice():
    steps = [(t, {"a": 39, "b": 30}) for t in range(0, 1000, 10)]
    assert set(follow(steps)) == {"a"}


def test_a_dip_below_the_margin_starts_the_hold_again():
    better, even = {"a": 50, "b": 30}, {"a": 35, "b": 30}
    steps = [(0, better), (50, even), (60, better), (110, better), (120, better)]
    assert follow(steps) == ["a", "a", "a", "a", "b"]


def test_rivals_that_take_turns_do_not_start_the_hold_again():
    steps = [(t, {"a": 80, "b": t % 20, "c": 20 - t % 20}) for t in range(0, 61, 10)]
    assert follow(steps)[-1] in ("b", "c")


def test_after_a_move_the_next_one_needs_twice_the_margin_for_a_while():
    away, back, far = {"a": 50, "b": 30}, {"a": 30, "b": 45}, {"a": 30, "b": 50}
    moved = [(0, away), (60, away)]
    assert follow([*moved, (100, back), (400, back)])[-1] == "b"
    assert follow([*moved, (100, far), (160, far)])[-1] == "a"
    assert follow([*moved, (3700, back), (3760, back)])[-1] == "a"


def test_a_node_that_becomes_unknown_is_left_at_once():
    steps = [(0, {"a": 10, "b": 30}), (1, {"a": Reading(None), "b": 30})]
    assert follow(steps) == ["a", "b"]


def test_the_choice_is_remembered_while_prometheus_knows_nothing():
    blind = {"a": Reading(None), "b": Reading(None)}
    steps = [(0, {"a": 30, "b": 30}), (10, blind), (3600, {"a": 35, "b": 30})]
    assert follow(steps) == ["a", None, "a"]


def test_a_worker_does_not_flee_from_the_load_that_it_makes_itself():
    steps = [(t, {"a": 15, "b": 0}) for t in range(0, 1000, 10)]
    assert set(follow(steps, jobs={"a": 1})) == {"a"}
    assert follow(steps, jobs={})[-1] == "b"


def test_a_decision_over_many_nodes_stays_one_short_line():
    decision = look({f"n{i:04}": i % 100 for i in range(5000)})
    assert "\n" not in str(decision)
    assert len(str(decision)) < 1000
    assert len(decision.passed_over) == 4999


LOADS = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), LOADS, min_size=1),
    st.sets(st.sampled_from("abcdefgh")),
    st.sampled_from([None, *"abcdefgh"]),
)
def test_whatever_the_readings_only_a_ready_node_with_a_load_is_chosen(
    loads, unready, current
):
    nodes = [node(name, ready=name not in unready) for name in loads]
    decision = look(loads, nodes=nodes, memory=Memory(current))
    fit = {
        name: load
        for name, load in loads.items()
        if load is not None and 0 <= load <= 100 and name not in unready
    }
    if not fit:
        assert decision.node is None
    elif current in fit:
        assert decision.node == current
    else:
        assert fit[decision.node] == min(fit.values())
