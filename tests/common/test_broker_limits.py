"""What a broker grants less than pictures need is told by name."""

import pytest

from common.broker_answers import FOREVER, Granted, Reason
from common.broker_limits import granted_less, refused, shortcomings


@pytest.mark.parametrize(
    ("granted", "words", "grave"),
    [
        (Granted(session_expiry=0), "ends a session 0 s after", True),
        (Granted(session_expiry=7200), "ends a session 2 hours after", True),
        (Granted(session_expiry=86_400), "ends a session 24 hours after", False),
        (Granted(maximum_packet=2_000_000), "no packet above 2000000 bytes", False),
        (Granted(maximum_qos=0), "nothing but QoS 0", True),
        (Granted(wildcards=False), "no subscriptions with wildcards", True),
    ],
)
def test_it_says_what_is_lost_and_what_mends_it(granted, words, grave):
    (found,) = shortcomings(granted, "images/#")
    assert words in str(found)
    assert "docs/brokers.md" in str(found)
    assert found.grave is grave


def test_a_broker_that_grants_all_is_not_complained_about():
    granted = Granted(session_expiry=FOREVER, maximum_packet=20_000_000)
    assert not list(shortcomings(granted, "images/#"))


def test_a_topic_without_wildcards_needs_none():
    assert not list(shortcomings(Granted(wildcards=False), "images/pi1"))


def test_a_subscription_at_qos_0_is_a_trouble():
    (found,) = granted_less(Reason(0, "Granted QoS 0", failure=False), "images/#")
    assert found.grave
    assert not list(granted_less(Reason(1, "Granted QoS 1", failure=False), "images/#"))


@pytest.mark.parametrize(
    ("code", "words"), [(0x85, "MQTT_CLIENT_ID"), (0x86, "check MQTT_USER")]
)
def test_a_refused_connection_says_which_setting_it_is(code, words):
    assert words in refused(Reason(code, "no", failure=True))
