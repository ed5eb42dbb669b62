"""The metadata of a trigger, as people write it."""

import pytest

from placement.loads.expressions import Load
from scaler.trigger import Trigger, TriggerError, read_trigger

DEFAULTS = Trigger(threshold=80, staleness=60)


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, DEFAULTS),
        ({"scalerAddress": "host:50051", "enableTLS": "true"}, DEFAULTS),
        ({"unsafeSsl": "false", "metricName": "gpu_trigger"}, DEFAULTS),
        ({"threshold": "35.5"}, Trigger(35.5, 60)),
        ({"threshold": "0", "staleness": "5"}, Trigger(0, 5)),
        ({"query": "my_load"}, Trigger(80, 60, (Load("my_load"),))),
    ],
)
def test_what_is_said_counts_and_the_rest_has_defaults(metadata, expected):
    assert read_trigger(metadata, DEFAULTS) == expected


@pytest.mark.parametrize("key", ["threshold", "staleness"])
@pytest.mark.parametrize(
    "value", ["-1", "NaN", "inf", "1e9", "abc", "", "50 %", "0x10"]
)
def test_a_wrong_number_is_refused_with_its_key_and_value(key, value):
    with pytest.raises(TriggerError) as refusal:
        read_trigger({key: value}, DEFAULTS)
    assert f"{key} is {value!r}" in str(refusal.value)


def test_a_huge_value_is_not_repeated_in_full():
    with pytest.raises(TriggerError) as refusal:
        read_trigger({"threshold": "9" * 1_000_000}, DEFAULTS)
    assert len(str(refusal.value)) < 300


def test_a_misspelt_key_is_refused_with_the_known_ones():
    with pytest.raises(TriggerError, match=r"'treshold' is '5'.*staleness, threshold"):
        read_trigger({"treshold": "5"}, DEFAULTS)


@pytest.mark.parametrize("query", ["", " ; ", "scale=-1 my_load", 'my_load{gpu="0}'])
def test_a_query_that_cannot_be_one_is_refused(query):
    with pytest.raises(TriggerError, match="query is"):
        read_trigger({"query": query}, DEFAULTS)


def test_a_key_of_another_scaler_is_refused_with_the_place_to_say_it():
    with pytest.raises(TriggerError, match=r"serverAddress: leave it out.*PROMETHEUS"):
        read_trigger({"serverAddress": "http://prometheus:9090"}, DEFAULTS)


def test_another_metric_is_refused():
    with pytest.raises(TriggerError, match="'cpu': expected gpu_trigger"):
        read_trigger({"metricName": "cpu"}, DEFAULTS)


SECRETS = """password dbPassword bearerToken apiKey api_key clientSecret tlsClientKey
tlsClientCert caCert customHeaders authModes"""


@pytest.mark.parametrize("key", SECRETS.split())
def test_a_secret_is_refused_and_not_repeated(key):
    with pytest.raises(TriggerError, match=key) as refusal:
        read_trigger({key: "hunter2"}, DEFAULTS)
    assert "TriggerAuthentication" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
