"""Pinning a manifest: only the node changes, twice is the same as once."""

import copy
from pathlib import Path

import pytest
import yaml

from kube import scaledjobs
from kube.errors import ManifestError
from kube.nodes import Node
from tests.fixtures.scaledjobs import scaledjob

BASE = Path(__file__).parents[2] / "posture-job.yaml"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def terms(found):
    affinity = scaledjobs.pod_spec(found)["affinity"]["nodeAffinity"]
    return affinity[REQUIRED]["nodeSelectorTerms"]


def ours(hostname):
    return {"key": "kubernetes.io/hostname", "operator": "In", "values": [hostname]}


def test_the_base_manifest_changes_in_nothing_but_the_node():
    found = scaledjobs.read_manifest(BASE)
    scaledjobs.pin(found, "jetson1", "jetson1")
    before = BASE.read_text().splitlines()
    after = scaledjobs.dump(found).splitlines()
    added = [line for line in after if line not in before]
    assert [line for line in before if line not in after] == []
    assert [line.strip() for line in added] == [
        "annotations:",
        "posture-analyzer/node: jetson1",
        "posture-analyzer/hostname: jetson1",
        "affinity:",
        "nodeAffinity:",
        f"{REQUIRED}:",
        "nodeSelectorTerms:",
        "- matchExpressions:",
        "- key: kubernetes.io/hostname",
        "operator: In",
        "values:",
        "- jetson1",
    ]


def test_pinning_twice_is_the_same_as_once_and_another_node_takes_the_place(tmp_path):
    found = scaledjobs.read_manifest(BASE)
    scaledjobs.pin(found, "jetson1", "jetson1")
    once = scaledjobs.dump(found)
    (tmp_path / "p.yaml").write_text(once)
    again = scaledjobs.read_manifest(tmp_path / "p.yaml")
    scaledjobs.pin(again, "jetson1", "jetson1")
    assert scaledjobs.dump(again) == once
    scaledjobs.pin(again, "jetson2", "jetson2")
    straight = scaledjobs.read_manifest(BASE)
    scaledjobs.pin(straight, "jetson2", "jetson2")
    assert scaledjobs.dump(again) == scaledjobs.dump(straight)


def test_the_users_own_affinity_stays_and_every_alternative_is_pinned():
    pod = {
        "affinity": {
            "podAntiAffinity": {"x": "y"},
            "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}],
                REQUIRED: {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
                        {},
                        {"matchFields": [_field("In", "jetson1")]},
                    ]
                },
            },
        }
    }
    found = scaledjob(pod)
    before = copy.deepcopy(found)
    scaledjobs.pin(found, "jetson1", "jetson1")
    first, empty, last = terms(found)
    assert first["matchExpressions"][-1] == ours("jetson1")
    assert empty == {}
    assert last["matchExpressions"] == [ours("jetson1")]
    assert scaledjobs.pinned_node(found) == "jetson1"
    for each in (first, last):
        each["matchExpressions"].pop()
    del last["matchExpressions"]
    assert found["spec"] == before["spec"]


def _field(operator, name):
    return {"key": "metadata.name", "operator": operator, "values": [name]}


def test_the_users_own_choice_of_the_same_node_is_not_taken_for_ours():
    mine = {"matchExpressions": [ours("jetson1")]}
    found = scaledjob(_required(mine))
    scaledjobs.pin(found, "jetson1", "jetson1")
    scaledjobs.pin(found, "jetson1", "jetson1")
    assert terms(found)[0]["matchExpressions"] == [ours("jetson1"), ours("jetson1")]
    with pytest.raises(ManifestError, match="jetson1"):
        scaledjobs.pin(found, "jetson2", "jetson2")


def _required(*wanted):
    return {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [*wanted]}}}}


@pytest.mark.parametrize(
    "pod",
    [
        {"nodeSelector": {"kubernetes.io/hostname": "other"}},
        {"nodeName": "other"},
        _required({"matchExpressions": [ours("other")]}),
        _required({"matchExpressions": [ours("jetson1") | {"operator": "NotIn"}]}),
        _required({"matchFields": [_field("In", "other")]}),
        _required({}),
    ],
)
def test_an_affinity_that_contradicts_is_an_error_that_names_it(pod):
    found = scaledjob(pod)
    with pytest.raises(ManifestError, match="cannot pin it to jetson1"):
        scaledjobs.pin(found, "jetson1", "jetson1")


def test_nodes_that_the_users_affinity_rules_out_are_known_whatever_it_is_pinned_to():
    found = scaledjob(
        _required(
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}
        )
    )
    scaledjobs.pin(found, "n1", "n1")
    nodes = [Node("n1", "n1", labels={"a": "1"}), Node("n2", "n2", labels={"a": "2"})]
    nodes.append(Node("n3", "n3", labels={"a": "1", "kubernetes.io/hostname": "n3"}))
    assert scaledjobs.refusals(found, nodes) == {
        "n2": "the ScaledJob's node affinity wants a In [1]"
    }


@pytest.mark.parametrize(
    ("operator", "values", "fits"),
    [
        ("Gt", ["4"], True),
        ("Lt", ["4"], False),
        ("Gt", ["x"], False),
        ("NotIn", ["5"], False),
        ("NotIn", ["6"], True),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
    ],
)
def test_every_operator_of_node_affinity_is_understood(operator, values, fits):
    expression = {"key": "a", "operator": operator, "values": values}
    found = scaledjob(_required({"matchExpressions": [expression]}))
    refused = scaledjobs.refusals(found, [Node("n", "n", labels={"a": "5"})])
    assert (refused == {}) is fits


def test_an_annotation_without_the_affinity_is_not_believed():
    found = scaledjob({})
    found["metadata"]["annotations"] = {scaledjobs.NODE: "n", scaledjobs.HOSTNAME: "n"}
    assert scaledjobs.pinned_node(found) is None


BAD = {
    "not YAML": "a: [",
    "twice the same key": "kind: ScaledJob\nkind: ScaledJob\n",
    "empty": "",
    "a list": "- 1\n",
    "a number": "7\n",
    "a Deployment": "kind: Deployment\napiVersion: apps/v1\n",
    "another group": "kind: ScaledJob\napiVersion: example.com/v1\n",
    "two documents": "kind: ScaledJob\n---\nkind: Secret\n",
    "no template": yaml.safe_dump(scaledjob({}) | {"spec": {"jobTargetRef": {}}}),
    "a list for a mapping": yaml.safe_dump(scaledjob({"affinity": [1]})),
    "text for terms": yaml.safe_dump(scaledjob(_required("here"))),
    "terms without keys": yaml.safe_dump(scaledjob(_required({"matchFields": [{}]}))),
    "a tagged object": "!!python/object/apply:os.system ['true']\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_file_that_is_no_scaledjob_is_an_error_that_names_it(tmp_path, text):
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(ManifestError, match=r"job\.yaml"):
        scaledjobs.read_manifest(path)


def test_a_missing_or_binary_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ManifestError, match=r"none\.yaml"):
        scaledjobs.read_manifest(tmp_path / "none.yaml")
    (tmp_path / "job.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match=r"job\.yaml"):
        scaledjobs.read_manifest(tmp_path / "job.yaml")
