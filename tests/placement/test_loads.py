"""How the list of loads is read."""

import pytest

from placement.loads.expressions import KNOWN, Load, parse_loads
from placement.settings import LoadSettings
from tests.fixtures.settings import read_settings


def test_the_node_agent_and_the_documented_metrics_of_both_nodes_are_the_default():
    assert read_settings(LoadSettings).metrics == (
        Load("posture_node_gpu_load_percent"),
        Load("jetson_gpu_usage_percent"),
        Load("jetson_orin_gpu_load_percent"),
    )


def test_one_word_leaves_the_cpu_out():
    settings = read_settings(LoadSettings, cpu_metrics="none")
    assert settings.cpu_metrics == ()
    assert settings.all == settings.metrics
    assert len(read_settings(LoadSettings).cpu_metrics) == 2


def test_scale_and_node_label_come_before_the_query():
    (load,) = parse_loads('scale=0.1 node=host my_load{gpu="0;1"}')
    assert load == Load('my_load{gpu="0;1"}', 0.1, "host")


@pytest.mark.parametrize(
    ("query", "is_metric"),
    [
        ("jetson_gpu_usage_percent", True),
        ('a:b{x="}", y=~"[0-9]{2}"}', True),
        ('{__name__="x"}', True),
        ("avg by (instance) (x)", False),
        ("x * 100", False),
        ("x[5m]", False),
    ],
)
def test_a_metric_is_told_from_an_expression(query, is_metric):
    assert Load(query).is_metric is is_metric


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("nvidia_smi_utilization_gpu_ratio", 100),
        ('a:b_ratio{gpu="0"}', 100),
        ('{__name__="x_ratio"}', 100),
        ("scale=1 x_ratio", 1),
        ("x_ratio * 100", 1),
        ("x_ratio_total", 1),
    ],
)
def test_what_is_called_a_ratio_is_taken_times_100(text, scale):
    (load,) = parse_loads(text)
    assert load.scale == scale
    assert load.is_ratio is (scale == 100)


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_exporter_can_be_read(name):
    assert all(load.query for load in parse_loads(name))


@pytest.mark.parametrize(
    "text",
    ["", " ; ", "scale=0 x", "scale=abc x", "node=1 x", 'x{a="b}', "scale=nan x"],
)
def test_a_list_that_cannot_be_meant_is_refused(text):
    with pytest.raises(ValueError, match=r"metrics|scale|label|quote"):
        parse_loads(text)
