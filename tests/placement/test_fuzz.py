"""Whatever KEDA or Prometheus sends: a choice within bounds, or a refusal in words."""

import contextlib
import math

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kube.nodes import Node
from placement.loads.query import PART
from placement.loads.readings import survey
from placement.settings import LoadSettings
from scaler.trigger import Trigger, TriggerError, read_trigger
from tests.fixtures.settings import read_settings

QUICK = settings(max_examples=200, deadline=2000, database=None)
LOADS = read_settings(LoadSettings, metrics="load")
NODES = [Node("a", "a"), Node("b", "b", addresses=("10.0.0.2",))]
DEFAULTS = Trigger(threshold=80, staleness=60)
KEYS = st.sampled_from(["threshold", "staleness", "query", "metricName", "password"])


@QUICK
@given(st.dictionaries(st.one_of(KEYS, st.text(max_size=20)), st.text(max_size=40)))
@example({"threshold": "١٢"})
def test_any_metadata_gives_a_trigger_within_bounds_or_is_refused(metadata):
    with contextlib.suppress(TriggerError):
        trigger = read_trigger(metadata, DEFAULTS)
        assert 0 <= trigger.threshold <= 100
        assert 1 <= trigger.staleness <= 3600


NUMBERS = st.one_of(
    st.floats().map(repr), st.sampled_from(["NaN", "+Inf", "-Inf", "1e400", ""])
)
VALUES = st.one_of(NUMBERS, st.text(max_size=10))
LABELS = st.dictionaries(
    st.sampled_from(["node", "instance", "job", "hostname"]),
    st.one_of(st.sampled_from(["a", "b", "A", "10.0.0.2:9100", "[::1]:9"]), st.text()),
)
KINDS = st.sampled_from(
    ["load 0", "age 0", "old 0", "odd 0", "down 0", "file 0", "only 0"]
)


@st.composite
def rows(draw):
    labels = draw(LABELS) | {PART: draw(KINDS)}
    return {"metric": labels, "value": [0, draw(VALUES)]}


@QUICK
@given(st.lists(rows(), max_size=12))
@example([{"metric": {PART: "load 0", "node": "a"}, "value": [0, "0"]}])
def test_any_answer_of_prometheus_gives_loads_within_bounds_or_none(answer):
    found = survey(answer, NODES, LOADS).readings
    assert set(found) <= {"a", "b"}
    for reading in found.values():
        if reading.load is None:
            assert reading.problem
        else:
            assert 0 <= reading.load <= 100
            assert math.isfinite(reading.load)
