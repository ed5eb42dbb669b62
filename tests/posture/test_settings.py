import argparse
import os
import socket
from pathlib import Path

import pytest

from common import options
from posture.settings import WorkerSettings, available_cores
from tests.fixtures.settings import settings_from

SECRET = "correct horse"
ENVIRON = {
    "SUPABASE_HOST": "db.example",
    "SUPABASE_DB": "posture",
    "SUPABASE_USER": "analyzer",
    "SUPABASE_PASSWORD": SECRET,
}
CORES = len(os.sched_getaffinity(0))


def read(environ=None, *flags):
    parser = argparse.ArgumentParser()
    options.add_arguments(parser, WorkerSettings)
    given = ENVIRON if environ is None else environ
    return options.read(WorkerSettings, parser.parse_args(flags), given)


def problems(environ, *flags):
    with pytest.raises(options.SettingsError) as caught:
        read(environ, *flags)
    return caught.value.problems


def test_the_documented_defaults():
    settings = read()

    assert (settings.broker.host, settings.broker.port) == ("192.168.1.79", 1883)
    assert (settings.topic, settings.model, settings.preset) == (
        "images/#",
        "full",
        "nearest",
    )
    assert (settings.database.port, settings.database.sslmode) == (5432, "require")
    assert settings.threads == available_cores()
    assert settings.node == socket.gethostname()
    assert settings.exit_when_idle is None
    assert settings.pictures == Path("analyzed_images")


def test_everything_that_is_missing_is_said_at_once():
    missing = problems({})

    assert [line.split(" is not set")[0] for line in missing] == [
        "SUPABASE_HOST (--supabase-host)",
        "SUPABASE_DB (--supabase-db)",
        "SUPABASE_USER (--supabase-user)",
        "SUPABASE_PASSWORD (--supabase-password-file)",
    ]


def test_what_is_missing_and_what_is_wrong_is_said_together():
    found = problems(
        {"MQTT_PORT": "0", "MODEL": "tiny", "SUPABASE_HOST": "db"}, "--threads", "none"
    )

    assert len(found) == 6
    assert (
        "MQTT_PORT (--broker-port) is '0': expected a whole number from 1 to 65535"
        in found
    )
    assert "MODEL (--model) is 'tiny': expected one of lite, full, heavy" in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MQTT_PORT", "65536"),
        ("MQTT_PORT", "1883.0"),
        ("MQTT_TLS", "maybe"),
        ("MQTT_VERSION", "4"),
        ("MQTT_TOPIC", "images/#/x"),
        ("MQTT_TOPIC", "images/pi#"),
        ("MQTT_TOPIC", "images/pi+/x"),
        ("SUPABASE_SSL", "on"),
        ("SUPABASE_DEADLINE", "nan"),
        ("SUPABASE_DEADLINE", "inf"),
        ("SUPABASE_DEADLINE", "0"),
        ("THREADS", "0"),
        ("PRESET", "strict"),
        ("EXIT_WHEN_IDLE", "soon"),
        ("MAX_PICTURE_MB", "-1"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(name, value):
    (problem,) = problems(ENVIRON | {name: value})

    assert problem.startswith(f"{name} (--")
    assert f"is {value!r}: expected " in problem


@pytest.mark.parametrize("topic", ["images/#", "images/+", "#", "+/x/+", "images/pi1"])
def test_every_topic_filter_of_mqtt_is_taken(topic):
    assert read(ENVIRON | {"MQTT_TOPIC": topic}).topic == topic


@pytest.mark.parametrize(
    ("environ", "flags", "model"),
    [
        pytest.param({}, [], "full", id="default"),
        pytest.param({"MODEL": "lite"}, [], "lite", id="variable over default"),
        pytest.param(
            {"MODEL": "lite"}, ["--model", "heavy"], "heavy", id="flag over variable"
        ),
        pytest.param({"MODEL": ""}, [], "full", id="empty variable"),
    ],
)
def test_a_flag_wins_over_a_variable_and_that_over_the_default(environ, flags, model):
    assert read(ENVIRON | environ, *flags).model == model


@pytest.mark.parametrize(
    ("flags", "tls"),
    [([], False), (["--broker-tls"], True), (["--broker-tls=no"], False)],
)
def test_a_switch_may_be_given_bare(flags, tls):
    assert read(ENVIRON, *flags).broker.tls is tls


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "password"
    path.write_text("from a file\n")
    return str(path)


def test_a_secret_is_read_from_the_file_that_a_flag_names(secret_file):
    settings = read(ENVIRON, "--supabase-password-file", secret_file)

    assert settings.database.password == "from a file"


def test_a_secret_is_read_from_the_file_that_a_variable_names(secret_file):
    settings = read(ENVIRON | {"SUPABASE_PASSWORD_FILE": secret_file})

    assert settings.database.password == "from a file"


def test_a_secret_cannot_be_given_in_the_argument_list():
    with pytest.raises(SystemExit):
        read(ENVIRON, "--supabase-password", SECRET)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(None, "No such file or directory", id="missing"),
        pytest.param(b"", "its first line is empty", id="empty"),
        pytest.param(b"\xff\xfe", "its first line is empty", id="no text"),
    ],
)
def test_a_secret_file_that_cannot_be_read_is_named(tmp_path, content, reason):
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)

    (problem,) = problems(ENVIRON | {"SUPABASE_PASSWORD_FILE": str(path)})

    assert problem.endswith(f"cannot read {path}: {reason}")


def test_secrets_are_shown_nowhere():
    settings = read(ENVIRON | {"MQTT_PASSWORD": SECRET})

    assert (settings.database.password, settings.broker.password) == (SECRET, SECRET)
    assert SECRET not in repr(settings)
    assert SECRET not in str(problems(ENVIRON | {"MODEL": "tiny"}))


def test_the_help_names_flag_variable_and_default_of_every_setting(capsys):
    with pytest.raises(SystemExit):
        read(ENVIRON, "--help")

    shown = " ".join(capsys.readouterr().out.split())
    for each in options.options_of(WorkerSettings):
        assert each.flag in shown
        assert f"[{each.env}" in shown
    assert "[MQTT_PORT; default 1883]" in shown
    assert "[SUPABASE_HOST; required]" in shown
    assert "[SUPABASE_PASSWORD or SUPABASE_PASSWORD_FILE; required]" in shown


def test_settings_can_be_read_from_an_environment_alone():
    assert settings_from(WorkerSettings, ENVIRON) == read()


@pytest.mark.parametrize(
    ("limit", "cores"),
    [(None, CORES), (1.0, 1), (0.2, 1), (1.5, min(2, CORES)), (999.0, CORES)],
)
def test_threads_keep_to_the_limit_of_the_container(limit, cores):
    assert available_cores(lambda: limit) == cores
