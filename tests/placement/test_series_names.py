"""Which node a series is of: names, domains, addresses, and gateways in between."""

import re
import time

import pytest

from kube.nodes import Node
from placement.loads.names import Names
from tests.fixtures.net import wait_until

NODES = (
    Node("jetson1", "jetson1", addresses=("10.0.0.11",)),
    Node("jetson2", "jetson2", addresses=("10.0.0.12",)),
    Node("orin.lab.example", "orin.lab.example"),
)


def find(labels, own_label=None, nodes=NODES, node_map=None):
    match = Names(nodes, node_map or {}).find(labels, own_label)
    return match and match.node


@pytest.mark.parametrize(
    ("labels", "node"),
    [
        ({"instance": "jetson1.lan:9100"}, "jetson1"),
        ({"instance": "jetson1.local:9100"}, "jetson1"),
        ({"instance": "jetson1.:9100"}, "jetson1"),
        ({"instance": "http://10.0.0.11:9100/metrics"}, "jetson1"),
        ({"instance": "https://jetson1.lan/metrics"}, "jetson1"),
        ({"instance": "orin:9100"}, "orin.lab.example"),
        ({"instance": "ORIN.lab.example.:9100"}, "orin.lab.example"),
        ({"instance": "orin.other.example:9100"}, None),
        ({"instance": "10.0.0.9:9100"}, None),
        ({"instance": "jetson:9100"}, None),
        ({"host": "jetson1", "instance": "10.42.0.9:9100"}, "jetson1"),
        ({"Hostname": "dcgm-cwbcm", "node": "jetson2", "instance": "x"}, "jetson2"),
    ],
)
def test_a_name_with_a_domain_is_that_of_the_one_node_it_fits(labels, node):
    assert find(labels) == node


def test_a_short_name_of_two_nodes_names_none():
    nodes = (Node("a.one.example", "a"), Node("a.two.example", "b"))
    assert find({"node": "a.one.example"}, nodes=nodes) == "a.one.example"
    twins = (Node("x.one.example", "x1"), Node("x.two.example", "x2"))
    assert find({"instance": "x:9100"}, nodes=twins) is None


GATEWAY = {"instance": "10.0.0.11:9091", "job": "pushgateway"}


@pytest.mark.parametrize(
    ("labels", "own_label", "node"),
    [
        ({"exported_instance": "jetson2"}, None, "jetson2"),
        ({"exported_instance": "jetson2.lan:9100"}, None, "jetson2"),
        ({"exported_instance": "unknown"}, None, None),
        ({"exported_node": "jetson2", "node": "jetson1"}, None, "jetson2"),
        ({"exported_node": "unknown", "node": "jetson1"}, None, None),
        ({"exported_Hostname": "unknown", "Hostname": "jetson1"}, None, None),
        ({"exported_instance": "jetson2", "node": "jetson1"}, None, "jetson2"),
        ({"exported_rack": "jetson2", "rack": "jetson1"}, "rack", "jetson2"),
        ({"exported_job": "gpu"}, None, None),
        ({"exported_job": "gpu", "node": "jetson2"}, None, "jetson2"),
        ({}, None, "jetson1"),
    ],
)
def test_what_a_gateway_hands_on_is_never_the_gateways_own(labels, own_label, node):
    assert find(GATEWAY | labels, own_label) == node


def test_a_map_names_what_was_behind_a_gateway():
    labels = GATEWAY | {"exported_instance": "board-7"}
    assert find(labels, node_map={"board-7": "jetson2"}) == "jetson2"
    assert find(labels, node_map={GATEWAY["instance"]: "jetson2"}) is None
    only_job = GATEWAY | {"exported_job": "gpu"}
    assert find(only_job, node_map={GATEWAY["instance"]: "jetson2"}) == "jetson2"


def both(watched):
    """The loads of the gateway's own node n, and of m behind it."""
    nodes = [Node("n", "n", addresses=("127.0.0.1",)), Node("m", "m")]
    readings = watched.survey(*nodes).readings
    return {name: (each.load, each.problem) for name, each in readings.items()}


def test_a_pushed_load_is_given_to_who_pushed_it_and_not_to_the_gateways_node(watched):
    watched.tell(97, labels='{instance="m"}')
    wait_until(lambda: both(watched) == {"m": (97, None)}, "the load of m", 30, 0.1)


def test_what_was_pushed_long_ago_is_unknown_and_others_of_the_gateway_are_not(watched):
    metric, now = watched.metric, time.time()
    watched.exporters[0].tell(
        f'{metric}{{instance="m",job="gpu"}} 0',
        f'push_time_seconds{{instance="m",job="gpu"}} {now - 300}',
        f'{metric}{{instance="n",job="gpu"}} 40',
        f'push_time_seconds{{instance="n",job="gpu"}} {now}',
    )
    wait_until(lambda: set(both(watched)) == {"m", "n"}, "both", 30, 0.1)
    found = both(watched)
    assert found["n"] == (40, None)
    assert re.search(r"it was pushed 3\d\d s ago", str(found["m"][1]))


def test_the_textfile_of_one_node_behind_a_gateway_is_not_that_of_another(watched):
    metric, mtime, now = watched.metric, "node_textfile_mtime_seconds", time.time()
    watched.exporters[0].tell(
        f'{metric}{{instance="m"}} 0',
        f'{mtime}{{instance="m",file="/x/gpu.prom"}} {now - 300}',
        f'{metric}{{instance="n"}} 40',
        f'{mtime}{{instance="n",file="/x/gpu.prom"}} {now}',
    )
    wait_until(lambda: set(both(watched)) == {"m", "n"}, "both", 30, 0.1)
    found = both(watched)
    assert found["n"] == (40, None)
    assert "its textfile was written" in str(found["m"][1])


def test_two_domains_with_the_same_short_name_are_listed_and_not_guessed(watched):
    watched.tell(3, labels='{node="n.one.example"}')
    watched.wait_load(3)
    watched.tell(97, labels='{node="n.two.example"}', number=1)
    wait_until(lambda: len(watched.survey().unmatched) == 2, "both listed", 30, 0.1)
    assert watched.survey().readings == {}
