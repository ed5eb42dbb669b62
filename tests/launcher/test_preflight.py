"""The checks: asked side by side, each answered or named."""

import threading
import time

import pytest

from common.errors import OperatorError
from kube.nodes import Node
from launcher.checks.keda import check_operator
from launcher.checks.prometheus import check_loads
from launcher.preflight import Check, CheckError, Doubt, examine
from placement.decision import Reading, Reason
from tests.fixtures.net import PATIENCE


def raising(error):
    def ask():
        raise error

    return ask


def marks(*checks, deadline=5.0):
    return [(each.mark, each.said, each.remedy) for each in examine(checks, deadline)]


def test_each_finding_says_what_and_how_to_mend_it():
    assert marks(
        Check("a", lambda: "fine"),
        Check("b", raising(CheckError("broken", "mend b"))),
        Check("c", raising(Doubt("odd", "look at c"))),
        Check("d", raising(OperatorError("gone"))),
    ) == [
        ("ok", "fine", ""),
        ("FAIL", "broken", "mend b"),
        ("warn", "odd", "look at c"),
        ("FAIL", "gone", ""),
    ]


def test_a_bug_in_one_check_does_not_hide_the_others():
    found = marks(Check("a", raising(KeyError("x"))), Check("b", lambda: "fine"))
    assert [mark for mark, _, _ in found] == ["FAIL", "ok"]


def test_checks_run_side_by_side():
    both = threading.Barrier(2, timeout=5 * PATIENCE)

    def ask():
        both.wait()
        return "met"

    assert [said for _, said, _ in marks(Check("a", ask), Check("b", ask))] == [
        "met",
        "met",
    ]


def test_a_check_that_hangs_is_named_and_not_waited_for():
    never = threading.Event()
    begun = time.monotonic()
    (mark, said, _), fine = marks(
        Check("a", lambda: str(never.wait(30))),
        Check("b", lambda: "fine"),
        deadline=0.5,
    )
    assert (mark, said) == ("FAIL", "no answer within 0.5 s")
    assert fine[0] == "ok"
    assert time.monotonic() - begun < 10
    never.set()


def operator(version, ready=1):
    return {
        "metadata": {
            "name": "keda-operator",
            "namespace": "keda",
            "labels": {"app.kubernetes.io/version": version},
        },
        "status": {"readyReplicas": ready},
    }


@pytest.mark.parametrize("version", ["2.17.0", "v2.17.2", "2.20.1", "3.0.0"])
def test_keda_is_new_enough(version):
    assert version in check_operator([operator(version)])


@pytest.mark.parametrize(
    ("operators", "kind", "words"),
    [
        ([operator("2.16.1")], CheckError, "2.17 or later"),
        ([operator("1.99.0")], CheckError, "2.17 or later"),
        ([operator("2.17.0", ready=0)], CheckError, "not ready"),
        ([operator("latest")], Doubt, "does not tell its version"),
        ([], Doubt, "not seen"),
    ],
)
def test_keda_that_will_not_do_is_named(operators, kind, words):
    with pytest.raises(CheckError, match=words) as raised:
        check_operator(operators)
    assert type(raised.value) is kind
    assert raised.value.remedy


A, B = Node("a", "a"), Node("b", "b")


def test_every_node_has_a_load():
    assert "2 nodes" in check_loads([A, B], {"a": Reading(1.0), "b": Reading(2.0)})


@pytest.mark.parametrize(
    ("readings", "kind"),
    [
        ({"a": Reading(1.0)}, Doubt),
        ({"a": Reading(1.0), "b": Reading(problem=Reason("old"))}, Doubt),
        ({"a": Reading(problem=Reason("old"))}, CheckError),
        ({}, CheckError),
    ],
)
def test_a_node_without_a_load_is_named(readings, kind):
    with pytest.raises(CheckError, match="b: ") as raised:
        check_loads([A, B], readings)
    assert type(raised.value) is kind
