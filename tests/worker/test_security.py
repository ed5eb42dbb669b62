"""Encrypted lines, least rights, and passwords that show nowhere."""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg2
import pytest

from common import options
from common.broker_settings import BrokerSettings
from common.publisher import Publisher
from posture.settings import WorkerSettings
from scaler.settings import ScalerSettings
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import free_port
from tests.fixtures.pgbouncer import running_pgbouncer
from tests.fixtures.postgres import PASSWORD, Postgres, running_postgres
from tests.fixtures.settings import settings_from
from tests.fixtures.tls import Authority
from tests.fixtures.worker import WorkerProcess
from tests.worker.conftest import GOOD, assert_each_once, payload

RLS = Path(__file__).parents[2] / "deploy" / "supabase_rls.sql"
SECRET = "hunter2-%s-Tr0ub4dor"


# MQTT


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "certificates")


@pytest.fixture
def tls_broker(tmp_path, authority):
    """A broker with a second port that wants a client certificate."""
    certificate, key = authority.issue("server")
    port = free_port()
    extra = (
        f"listener {port} 127.0.0.1\ncafile {authority.certificate}\n"
        f"certfile {certificate}\nkeyfile {key}\nrequire_certificate true\n"
    )
    with running_mosquitto(tmp_path / "tls-broker", extra) as broker:
        broker.tls_port = port
        yield broker


def test_the_worker_talks_tls_with_a_client_certificate(
    tmp_path, authority, tls_broker, postgres, wait_for_rows
):
    certificate, key = authority.issue("worker")
    environ = _over_tls(tls_broker, authority) | postgres.environ
    environ |= {"MQTT_CERT_FILE": str(certificate), "MQTT_KEY_FILE": str(key)}
    worker = WorkerProcess(tmp_path / "worker", environ)
    try:
        worker.wait_ready()
        tls_broker.publish("images/pi1", payload(GOOD))
        wait_for_rows(postgres, 1)
    finally:
        worker.end()


@pytest.mark.parametrize("case", ["no client certificate", "broker of another CA"])
def test_a_line_that_cannot_be_trusted_is_not_used_and_said(
    tmp_path, authority, tls_broker, postgres, case
):
    environ = _over_tls(tls_broker, authority) | postgres.environ
    words = "without an answer"
    if case == "broker of another CA":
        other = Authority(tmp_path / "others")
        environ["MQTT_CA_FILE"] = str(other.certificate)
        words = "certificate verify failed"
    worker = WorkerProcess(tmp_path / "worker", environ)
    try:
        worker.wait_for(words)
        assert "ready: " not in worker.log
    finally:
        worker.end()


def _over_tls(broker, authority: Authority) -> dict[str, str]:
    return {
        "MQTT_HOST": "localhost",
        "MQTT_PORT": str(broker.tls_port),
        "MQTT_TLS": "true",
        "MQTT_CA_FILE": str(authority.certificate),
    }


@pytest.fixture
def password_broker(tmp_path):
    """A broker that knows one user."""
    passwords = tmp_path / "passwords"
    command = shutil.which("mosquitto_passwd", path=f"{os.environ['PATH']}:/usr/sbin")
    secret = SECRET % "mqtt"
    subprocess.run(
        [command, "-b", "-c", str(passwords), "worker", secret],
        check=True,
        capture_output=True,
    )
    extra = f"allow_anonymous false\npassword_file {passwords}\n"
    with running_mosquitto(tmp_path / "password-broker", extra) as broker:
        yield broker


def test_no_password_shows_in_logs_command_line_or_files(
    tmp_path, password_broker, postgres, wait_for_rows
):
    # Each once right and once wrong, with a refusal and a fault on the way.
    mqtt_file = tmp_path / "mqtt-password"
    mqtt_file.write_text(SECRET % "mqtt" + "\n")
    environ = password_broker.environ | postgres.environ
    environ |= {"MQTT_USER": "worker", "LOG_LEVEL": "debug"}
    right = environ | {"MQTT_PASSWORD_FILE": str(mqtt_file)}
    wrong = environ | {
        "MQTT_PASSWORD": SECRET % "wrong",
        "SUPABASE_PASSWORD": SECRET % "database",
    }
    runs = [
        WorkerProcess(tmp_path / name, each)
        for name, each in {"right": right, "wrong": wrong}.items()
    ]
    try:
        runs[0].wait_ready()
        runs[1].wait_for("refused the connection")
        runs[1].wait_for("check SUPABASE_USER and SUPABASE_PASSWORD")
        _publish(password_broker, payload(GOOD), b"no picture at all")
        wait_for_rows(postgres, 1)
        runs[0].wait_for("refused a message")
        shown = [_command_line(run) for run in runs]
    finally:
        for run in runs:
            run.end()
    shown += [run.log for run in runs]
    shown += [
        path.read_text(errors="replace")
        for run in runs
        for path in run.folder.rglob("*")
        if path.is_file()
    ]
    for secret in (SECRET % "mqtt", SECRET % "wrong", SECRET % "database", PASSWORD):
        assert not [text for text in shown if secret in text]


def _command_line(worker: WorkerProcess) -> str:
    return Path(f"/proc/{worker.process.pid}/cmdline").read_text()


def _publish(broker, *payloads: bytes) -> None:
    settings = settings_from(
        BrokerSettings,
        broker.environ | {"MQTT_USER": "worker", "MQTT_PASSWORD": SECRET % "mqtt"},
    )
    with Publisher(settings) as publisher:
        for each in payloads:
            publisher.send("images/pi1", each)
        publisher.finish()


@pytest.mark.parametrize("kind", [WorkerSettings, ScalerSettings])
def test_settings_that_are_shown_show_no_secret(kind):
    secrets = {
        each.env: SECRET % each.env for each in options.options_of(kind) if each.secret
    }
    assert secrets
    environ = {
        "SUPABASE_HOST": "h",
        "SUPABASE_DB": "d",
        "SUPABASE_USER": "u",
        **secrets,
    }
    shown = repr(settings_from(kind, environ))
    assert not [text for text in secrets.values() if text in shown]
    wrong = environ | {"MQTT_PORT": "none"}
    with pytest.raises(options.SettingsError) as error:
        settings_from(kind, wrong)
    assert not [text for text in secrets.values() if text in str(error.value)]


# The database


def test_verify_full_accepts_only_the_databases_own_ca(
    broker, postgres, authority, start_worker, wait_for_rows, tmp_path
):
    # The pooler has the certificate: the database of the tests is built without TLS.
    other = Authority(tmp_path / "others")
    with running_pgbouncer(postgres, authority.issue("database")) as pooler:
        strict = {
            "SUPABASE_SSL": "verify-full",
            "SUPABASE_HOST": "localhost",
            "SUPABASE_PORT": str(pooler.port),
        }
        wrong = start_worker(**strict, SUPABASE_CA_FILE=str(other.certificate))
        broker.publish("images/pi1", payload(GOOD))
        wrong.wait_for("certificate verify failed")
        wrong.stop()
        assert postgres.rows() == []
        right = start_worker(**strict, SUPABASE_CA_FILE=str(authority.certificate))
        wait_for_rows(postgres, 1)
        assert_each_once(postgres, right.pictures, 1)
        assert "tls=TLSv1" in pooler.log


def _guard(server: Postgres) -> Postgres:
    """The shipped script run, twice, with Supabase's two API roles."""
    server.execute("CREATE ROLE anon; CREATE ROLE authenticated")
    server.execute("GRANT ALL ON posture_log TO anon, authenticated")
    for _ in range(2):
        server.execute(RLS.read_text())
    server.execute("ALTER ROLE posture_worker PASSWORD 'only adds'")
    return server


@pytest.fixture
def guarded_postgres(own_postgres):
    return _guard(own_postgres)


@pytest.fixture(scope="module")
def guarded():
    """For those that try what is forbidden: nothing changes it."""
    with running_postgres() as server:
        yield _guard(server)


ROLE = {"SUPABASE_USER": "posture_worker", "SUPABASE_PASSWORD": "only adds"}


def test_the_role_of_the_script_is_enough_for_the_worker(
    broker, guarded_postgres, start_worker, wait_for_rows
):
    worker = start_worker(**ROLE)
    broker.publish("images/pi1", payload(GOOD))
    wait_for_rows(guarded_postgres, 1)
    assert "ERROR" not in worker.log
    assert_each_once(guarded_postgres, worker.pictures, 1)


FORBIDDEN = {
    "read what was found": "SELECT pi_id, posture_status FROM posture_log",
    "change": "UPDATE posture_log SET posture_status = 'Good'",
    "delete": "DELETE FROM posture_log",
    "empty": "TRUNCATE posture_log",
    "make a table": "CREATE TABLE mine (id int)",
    "turn the guard off": "ALTER TABLE posture_log DISABLE ROW LEVEL SECURITY",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
def test_the_role_of_the_script_may_do_nothing_else(guarded, statement):
    with (
        _connected(guarded) as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        cursor.execute(statement)


def test_supabases_public_api_sees_nothing_of_the_table(guarded):
    for role in ("anon", "authenticated"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            guarded.execute(f"SET LOCAL ROLE {role}; TABLE posture_log")


def _connected(server: Postgres):
    return psycopg2.connect(
        host="127.0.0.1",
        port=server.port,
        dbname="posture",
        user="posture_worker",
        password="only adds",
    )
