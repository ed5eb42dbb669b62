"""What the watcher tells of its last decision."""

from kube.nodes import Node
from placement.decision import Decision, Memory, Reading, Reason
from placement.metrics import Report
from tests.placement.test_decision import look, node

PREFIX = "posture_placement_"


def told(decision: Decision, name: str) -> list[dict]:
    """The labels of every sample of one metric."""
    report = Report()
    report.decision = decision
    families = {each.name: each for each in report.collect()}
    return [sample.labels for sample in families[PREFIX + name].samples]


def test_the_choice_and_its_reason_are_told():
    kept = look({"a": 20, "b": 15}, memory=Memory(node="a"))
    assert told(kept, "decision_info") == [
        {"node": "a", "reason": "kept: b is not better by 10 points"}
    ]
    assert told(kept, "node_refused") == []


def test_without_a_choice_the_reason_is_told_and_that_of_each_node():
    nodes = [node("a", ready=False), node("b")]
    none = look({"a": 1, "b": Reading(problem=Reason("gone"))}, nodes=nodes)
    assert told(none, "decision_info") == [{"reason": "no node can be chosen"}]
    assert told(none, "node_refused") == [
        {"node": "a", "reason": "not Ready"},
        {"node": "b", "reason": "load unknown: gone"},
    ]


def labels_of(load: float, held: float, problem: Reason) -> list[dict]:
    waiting = Memory(node="a", tempted={"a": 0.0})
    loads = {"a": 50 + load, "b": load, "c": Reading(problem=problem)}
    decision = look(loads, memory=waiting, now=held)
    return [*told(decision, "decision_info"), *told(decision, "node_refused")]


def test_what_is_measured_is_in_no_label_for_each_text_is_a_series_for_ever():
    first = labels_of(1, 10, Reason("its last sample is too old", "it is 95 s old"))
    again = labels_of(2.5, 20, Reason("its last sample is too old", "it is 1e6 s old"))
    assert first == again
    assert first[0]["reason"] == "kept: b has not been better for 60 s yet"
    assert first[1]["reason"] == "load unknown: its last sample is too old"


def test_a_reason_of_any_length_makes_a_short_label():
    endless = Node("a", "a", labels={"gpu-node": "true"})
    decision = look({"a": Reading(problem=Reason("x" * 5000))}, nodes=[endless])
    (labels,) = told(decision, "node_refused")
    assert len(labels["reason"]) == 200
