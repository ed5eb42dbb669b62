"""Results are never taken for pictures, and names at the broker are safe."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from common import options
from common.picture_topics import safe_name
from posture.results import home_assistant
from posture.results.settings import ResultSettings, overlap
from posture.settings import WorkerSettings
from tests.fixtures.settings import read_settings, settings_from

NEEDED = {
    "SUPABASE_HOST": "db",
    "SUPABASE_DB": "db",
    "SUPABASE_USER": "user",
    "SUPABASE_PASSWORD": "secret",
    "PUBLISH_RESULTS": "true",
}


@pytest.mark.parametrize(
    "topic",
    ["#", "+/+/status", "+/#", "posture/#", "posture/+/status", "$share/group/#"],
)
def test_a_topic_filter_that_takes_results_for_pictures_is_refused(topic):
    with pytest.raises(options.SettingsError, match="would take its own results"):
        settings_from(WorkerSettings, NEEDED | {"MQTT_TOPIC": topic})
    quiet = NEEDED | {"MQTT_TOPIC": topic, "PUBLISH_RESULTS": "false"}
    assert not settings_from(WorkerSettings, quiet).results.publish


def test_descriptions_are_never_taken_for_pictures():
    environ = NEEDED | {"HOME_ASSISTANT_DISCOVERY": "images/ha"}
    with pytest.raises(options.SettingsError, match="images/ha/#"):
        settings_from(WorkerSettings, environ)


def test_a_description_of_results_that_are_not_published_is_refused():
    environ = NEEDED | {"HOME_ASSISTANT_DISCOVERY": "ha", "PUBLISH_RESULTS": "no"}
    with pytest.raises(options.SettingsError, match="set PUBLISH_RESULTS=true"):
        settings_from(WorkerSettings, environ)


@pytest.mark.parametrize("topic", ["images/#", "images/+", "cameras/+/posture/#"])
def test_other_topic_filters_are_fine(topic):
    environ = NEEDED | {"MQTT_TOPIC": topic, "HOME_ASSISTANT_DISCOVERY": "ha"}
    assert settings_from(WorkerSettings, environ).topic == topic


@pytest.mark.parametrize("prefix", ["a/#", "+", "/a", "a/", "a//b", "$SYS/a"])
def test_a_prefix_that_is_no_topic_is_refused(prefix):
    with pytest.raises(options.SettingsError, match="RESULTS_PREFIX"):
        read_settings(ResultSettings, prefix=prefix)


LEVELS = st.lists(st.sampled_from(["a", "b", "+"]), min_size=1, max_size=4)
FILTERS = st.builds(
    lambda levels, more: "/".join([*levels, *(["#"] if more else [])]),
    LEVELS,
    st.booleans(),
)
TOPICS = st.lists(st.sampled_from("abc"), min_size=1, max_size=5).map("/".join)


@given(FILTERS, FILTERS, TOPICS)
def test_a_topic_of_both_filters_means_that_they_overlap(one, other, topic):
    both = topic_matches_sub(one, topic) and topic_matches_sub(other, topic)
    assert overlap(one, other) or not both
    assert overlap(one, other) == overlap(other, one)


@given(st.text(max_size=80))
def test_a_camera_s_name_is_one_level_of_a_topic(name):
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", safe_name(name))


@given(st.text(max_size=80))
def test_topics_of_descriptions_are_those_that_home_assistant_takes(name):
    settings = read_settings(ResultSettings, publish="true", discovery="ha")
    for topic in home_assistant.topics(settings, safe_name(name)):
        assert re.fullmatch(r"ha/\w+/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", topic)
