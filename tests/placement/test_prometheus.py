"""Loads as a real Prometheus tells them: each guard against looking idle."""

import time

import pytest

from kube.nodes import Node
from placement.errors import MetricsError
from placement.settings import LoadSettings
from tests.fixtures.net import wait_until
from tests.fixtures.settings import read_settings


def test_a_load_is_read_with_its_age(watched):
    watched.tell(42)
    assert 0 <= watched.wait_load(42).age < 20


def test_a_load_is_averaged_over_the_window(watched):
    watched.settings["window"] = "300"
    watched.tell(10)
    watched.wait_load(10)
    watched.tell(90)
    wait_until(lambda: 10 < watched.reading().load < 90, "between both", 30, 0.1)


def test_a_metric_that_is_scraped_less_often_than_the_window_is_still_known(watched):
    watched.tell(42, at=time.time() - 20)
    watched.wait_load(42)


def test_a_dead_exporter_is_unknown_at_once_though_its_average_would_go_on(watched):
    watched.settings["window"] = "300"
    watched.tell(0)
    watched.wait_load(0)
    watched.exporters[0].stop()
    wait_until(lambda: watched.reading() is None, "no load", 10, 0.1)


def test_a_target_that_is_down_is_unknown_though_its_sample_is_young(watched):
    # With a time of its own a sample does not end when its exporter does.
    watched.tell(0, at=time.time())
    watched.settings["max_age"] = "300"
    watched.wait_load(0)
    watched.exporters[0].stop()
    watched.wait_problem("is down")


def test_a_sample_that_is_too_old_is_unknown(watched):
    watched.tell(0, at=time.time() - 60)
    watched.wait_problem("its last sample is 6")


MTIME = "node_textfile_mtime_seconds"


@pytest.mark.parametrize("file", ["/var/lib/jetson.prom", "/var/lib/other.prom"])
@pytest.mark.parametrize("off", [-300, 300])
def test_a_textfile_that_is_not_of_now_is_unknown(watched, file, off):
    watched.tell(0, f'{MTIME}{{file="{file}"}} {time.time() + off}')
    watched.wait_problem("its textfile was written")


def test_the_textfile_with_loads_is_told_from_others(watched):
    other = f'{MTIME}{{file="/var/lib/apt.prom"}} {time.time() - 86400}'
    for off in (-300, 300):
        for late, wait in ((0, watched.wait_load), (off, watched.wait_problem)):
            ours = f'{MTIME}{{file="/var/lib/gpu.prom"}} {time.time() + late}'
            watched.tell(7, ours, other)
            wait("its textfile was written" if late else 7)
    watched.settings["textfile"] = "nothing"
    watched.wait_load(7)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-0.5", "100.5"])
def test_a_value_that_is_no_percentage_is_unknown(watched, value):
    watched.tell(value)
    watched.wait_problem(value)


def test_a_sign_of_failure_between_good_samples_is_not_averaged_away(watched):
    watched.settings["window"] = "300"
    watched.tell(-1)
    watched.wait_problem("-1")
    watched.tell(95)
    for _ in range(8):  # by now the average is a percentage
        watched.exporters[0].wait_scraped()
    assert str(watched.reading().problem) == "a sample of -1 is no load"


def test_of_two_series_for_a_node_the_highest_counts(watched):
    for first, second in ((20, 70), (70, 20)):
        watched.tell(first, number=0)
        watched.tell(second, number=1)
        for exporter in watched.exporters[:2]:
            exporter.wait_scraped(6)
        watched.wait_load(70)
    watched.tell("NaN", number=0)
    watched.wait_load(20)


def test_a_scale_and_an_expression_give_percent_and_are_guarded_too(watched):
    metric = watched.metric
    watched.settings["metrics"] = f"scale=0.1 max by (instance, job) ({metric})"
    watched.tell(420)
    watched.wait_load(42)
    watched.tell(1200)
    watched.wait_problem("1200 is no load")
    watched.exporters[0].stop()
    wait_until(lambda: watched.reading() is None, "no load", 10, 0.1)


def test_a_ratio_by_name_is_taken_times_100_and_said(watched):
    ratio = f"{watched.metric}_ratio"
    watched.settings["metrics"] = ratio
    watched.exporters[0].tell(f"{ratio} 0.97")
    watched.wait_load(97)
    assert f"{ratio} is called a ratio" in watched.survey().doubts[0]


def test_a_series_that_looks_like_a_ratio_among_others_is_said(watched):
    def hints():
        loads = read_settings(LoadSettings, **watched.settings)
        return watched.door.ratio_hints(loads)

    watched.tell(0.63)
    watched.wait_load(0.63)
    assert hints() == ()
    watched.tell(63, labels='{node="m"}', number=1)
    wait_until(hints, "a hint", 30, 0.1)
    (hint,) = hints()
    assert "was never above 0.63" in hint
    assert watched.exporters[0].target in hint


def test_prometheus_itself_raises_no_doubt(watched):
    watched.tell(42)
    watched.wait_load(42)
    assert watched.survey().doubts == ()


def test_several_metrics_make_one_query(watched):
    metric = watched.metric
    watched.settings["metrics"] = f"{metric}; scale=0.1 other_{metric}"
    watched.tell(30)
    watched.exporters[1].tell(f"other_{metric} 600")
    watched.wait_load(60)


@pytest.mark.parametrize(
    ("labels", "changes"),
    [
        ('{node="n"}', {}),
        ('{node="N"}', {}),
        ('{Hostname="n"}', {"metrics": "node=Hostname METRIC"}),
        ('{host="10.0.0.9"}', {"metrics": "node=host METRIC"}),
        ('{host="rack-7"}', {"metrics": "node=host METRIC", "node_map": "rack-7=n"}),
        ("", {"node_map": "INSTANCE=n"}),
        ("", {"node_map": "127.0.0.1=n"}),
    ],
)
def test_a_series_finds_its_node(watched, labels, changes):
    watched.node = Node("n", "n", addresses=("10.0.0.9",))
    target = watched.exporters[0].target
    for key, text in changes.items():
        text = text.replace("METRIC", watched.metric).replace("INSTANCE", target)
        watched.settings[key] = text
    watched.tell(42, labels=labels)
    watched.wait_load(42)


def test_a_series_that_names_no_node_or_two_is_listed_and_not_guessed(watched):
    watched.tell(1)
    nodes = [Node(name, name, addresses=("127.0.0.1",)) for name in ("n", "m")]
    for found in (nodes, [Node("x", "x")]):
        wait_until(lambda f=found: watched.survey(*f).unmatched, "unmatched", 30, 0.1)
        survey = watched.survey(*found)
        assert survey.readings == {}
        assert watched.exporters[0].target in survey.unmatched[0]


def test_no_series_is_no_error_and_no_reading(watched):
    assert watched.survey().readings == {}


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ("sum(", "400"),
        ("rate(x)", "400"),
        ('label_replace(up, "0", "", "", "")', "GPU_METRICS"),
    ],
)
def test_promql_that_cannot_be_computed_is_an_error_with_the_reason(
    watched, metrics, words
):
    watched.settings["metrics"] = metrics
    with pytest.raises(MetricsError, match=words):
        watched.survey()


def test_a_query_that_computes_to_duplicates_is_an_error_with_the_reason(watched):
    watched.tell(1, labels='{a="1"}')
    watched.exporters[1].tell(f'{watched.metric}{{a="2"}} 1')
    for exporter in watched.exporters[:2]:
        exporter.wait_scraped()
    metric = watched.metric
    watched.settings["metrics"] = f"{metric} + on (job) {metric} or vector(1)"
    with pytest.raises(MetricsError, match="422"):
        watched.survey()
