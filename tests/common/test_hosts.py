"""Hosts and addresses in settings: what is taken, and what a URL is told."""

import subprocess
import sys

import pytest

from common import options
from common.broker_settings import BrokerSettings
from page.settings import PageSettings
from placement.settings import PrometheusSettings, WatcherSettings
from posture.settings import DatabaseSettings
from tests.fixtures.scripts import ROOT
from tests.fixtures.settings import settings_from

DATABASE = {
    "SUPABASE_HOST": "db.example",
    "SUPABASE_DB": "postgres",
    "SUPABASE_USER": "postgres",
    "SUPABASE_PASSWORD": "unused",
}


def problem(kind, **environ):
    with pytest.raises(options.SettingsError) as caught:
        settings_from(kind, environ)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("broker", "broker"),
        ("my_broker.lan.", "my_broker.lan."),
        ("10.0.0.7", "10.0.0.7"),
        ("bröker.example", "bröker.example"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_a_name_or_an_address_is_taken(text, host):
    assert settings_from(BrokerSettings, {"MQTT_HOST": text}).host == host


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("mqtt://broker.example", "MQTT_HOST=broker.example"),
        ("broker.example:8883", "MQTT_HOST=broker.example, MQTT_PORT=8883"),
        ("[::1]:1883", "MQTT_HOST=::1, MQTT_PORT=1883"),
        ('"broker.example"', "MQTT_HOST=broker.example"),
        ("broker.example ", "MQTT_HOST=broker.example"),
        ("broker.example/", "MQTT_HOST=broker.example"),
        (
            "mqtts://me:geheim@broker.example:8883/x",
            "MQTT_HOST=broker.example, MQTT_PORT=8883, MQTT_TLS=true, its login in "
            "MQTT_USER and MQTT_PASSWORD",
        ),
        ("me:ge@/geheim@broker.example", "MQTT_HOST=broker.example, its login"),
    ],
)
def test_a_url_is_refused_and_its_parts_are_offered(text, parts):
    said = problem(BrokerSettings, MQTT_HOST=text)
    assert f"a host's name or address alone; its parts: {parts}" in said
    assert "geheim" not in said


@pytest.mark.parametrize("text", ["a b", "a..b", "x" * 64, "-", "a,b", "host?x=1@2"])
def test_what_names_no_host_is_refused(text):
    assert "a host's name" in problem(BrokerSettings, MQTT_HOST=text)


def test_the_databases_url_is_told_by_its_settings():
    url = "postgresql://me:geheim@db.abc.supabase.co:6543/postgres"
    said = problem(DatabaseSettings, **DATABASE | {"SUPABASE_HOST": url})
    assert "'postgresql://***@db.abc.supabase.co:6543/postgres'" in said
    assert "SUPABASE_HOST=db.abc.supabase.co, SUPABASE_PORT=6543, SUPABASE_DB=p" in said
    url = "https://abc.supabase.co"
    said = problem(DatabaseSettings, **DATABASE | {"SUPABASE_HOST": url})
    assert "not the API's address" in said


@pytest.mark.parametrize("host", ["/run/postgresql", "one.example,two.example", "::1"])
def test_what_libpq_can_use_is_taken(host):
    read = settings_from(DatabaseSettings, DATABASE | {"SUPABASE_HOST": host})
    assert read.host == host


LEAKS = [
    (BrokerSettings, "MQTT_HOST", "mqtt://me:geheim@h?x=a@b"),
    (BrokerSettings, "MQTT_HOST", "me:geheim@"),
    (BrokerSettings, "MQTT_PORT", "mqtt://me:geheim@h:1883"),
    (DatabaseSettings, "SUPABASE_HOST", "postgres://h/db?user=a&password=geheim"),
    (DatabaseSettings, "SUPABASE_HOST", "host=db password=geheim"),
    (DatabaseSettings, "SUPABASE_HOST", "postgres://me:12,geheim@h"),
    (PrometheusSettings, "PROMETHEUS_URL", "http://me:geheim@h:9090"),
    (PrometheusSettings, "PROMETHEUS_URL", "http://me:1/geheim@h:9090"),
    (PageSettings, "PAGE_PLACEMENT_URL", "http://me:geheim@h:9105/metrics"),
    (WatcherSettings, "WATCHER_ADDRESS", "http://me:geheim@h:9105"),
]


@pytest.mark.parametrize(("kind", "name", "text"), LEAKS)
def test_a_password_in_a_wrong_value_is_in_no_message(kind, name, text):
    said = problem(kind, **DATABASE | {name: text})
    assert name in said
    assert "geheim" not in said
    assert "12" not in said


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("MQTT_HOST", "127.0.0.1\r", "line ends of Windows"),
        ("MQTT_PORT", "1883\r", "line ends of Windows"),
        ("MQTT_USER", "me\r", "line ends of Windows"),
        ("MQTT_PASSWORD", "geheim\r", "line ends of Windows"),
        ("MQTT_USER", "me\x1b[2J", "no control characters"),
    ],
)
def test_a_value_from_a_file_of_windows_is_told(name, text, words):
    said = problem(BrokerSettings, **{name: text})
    assert words in said
    assert "geheim" not in said


def test_a_script_ends_with_2_and_tells_no_password():
    done = subprocess.run(
        [sys.executable, ROOT / "mqtt_posture_analyzer_with_db.py", "declare"],
        env={"MQTT_HOST": "mqtts://user:geheim@broker.example"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "MQTT_HOST=broker.example, MQTT_TLS=true" in done.stderr
    assert "geheim" not in done.stdout + done.stderr
