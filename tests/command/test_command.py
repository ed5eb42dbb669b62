"""`posture` in a terminal: what it answers, and where its settings come from."""

import os
import subprocess
import sys

import pytest

from command.main import COMMANDS, main
from tests.fixtures.scripts import ROOT, run_here


@pytest.fixture
def posture(tmp_path):
    """Runs the command in this process."""

    def run(*words, **environ):
        return run_here(main, *words, folder=tmp_path, **environ)

    return run


@pytest.fixture
def started(tmp_path):
    """Runs it as a process of its own."""

    def run(*words, **environ):
        return subprocess.run(
            [sys.executable, "-m", "command", *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_help_fits_a_terminal_and_names_every_command(started):
    done = started("--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) <= 24
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_help_imports_none_of_what_takes_time(started):
    done = started("--help", PYTHONPROFILEIMPORTTIME="1")
    for heavy in ("argparse", "psycopg2", "paho", "numpy", "starlette"):
        assert f" {heavy}\n" not in done.stderr


@pytest.mark.parametrize(
    ("typed", "meant"), [("weak", "week"), ("pgae", "page"), ("exprot", "export")]
)
def test_a_mistyped_command_gets_two_lines(posture, typed, meant):
    done = posture(typed)
    assert done.returncode == 2
    assert f"did you mean {meant}?" in done.stderr
    assert len(done.stderr.splitlines()) <= 3


def test_a_mistyped_flag_is_answered_in_the_commands_name(started):
    done = started("week", "desk3", "--weak", "x")
    assert done.returncode == 2
    assert "posture week: --weak is not known here; did you mean --week?" in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_of_its_own(posture, name):
    done = posture(name, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: posture {name} [flags]")


def test_without_any_database_it_is_said_what_to_do(posture):
    done = posture("week", "desk3")
    assert done.returncode == 2
    assert "SUPABASE_HOST (--supabase-host) is not set" in done.stderr
    assert "posture demo" in done.stderr


# .env


def in_env_file(folder, environ):
    lines = (f"{name}={text!r}" for name, text in environ.items())
    (folder / ".env").write_text("\n".join(lines))


def test_the_file_is_read_and_the_environment_and_flags_win(
    posture, tmp_path, postgres
):
    in_env_file(tmp_path, postgres.environ)
    assert "nothing is kept of a camera 'x'" in posture("week", "x").stderr
    wrong = posture("week", "x", SUPABASE_HOST="no such host")
    assert "'no such host'" in wrong.stderr
    right = posture(
        *("week", "x", "--supabase-host", postgres.environ["SUPABASE_HOST"]),
        SUPABASE_HOST="no such host",
    )
    assert "nothing is kept of a camera 'x'" in right.stderr


def test_a_secret_in_a_file_wins_over_one_in_env(posture, tmp_path):
    (tmp_path / "secret").write_text("from the file")
    in_env_file(tmp_path, {"SUPABASE_PASSWORD": "from .env"})
    code = "import os; from command.env_file import *; from pathlib import Path\n"
    code += "read_env_file(Path.cwd(), os.environ); print(dict(os.environ))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "SUPABASE_PASSWORD_FILE": "secret"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "from .env" not in done.stdout


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_file_that_others_could_have_written_is_not_read(
    posture, tmp_path, postgres, what
):
    in_env_file(tmp_path, postgres.environ)
    (tmp_path if what == "folder" else tmp_path / ".env").chmod(0o777)
    done = posture("week", "x")
    assert "is not read: others may write to" in done.stderr
    assert "SUPABASE_HOST (--supabase-host) is not set" in done.stderr
    assert done.returncode == 2


# week, export, status


@pytest.fixture
def sat(postgres):
    postgres.execute(
        "INSERT INTO posture_log (pi_id, received_time, analyzed_time, neck_angle, "
        "body_angle, posture_status, landmarks_detected, processed_by) "
        "SELECT 'desk3', '2026-10-06 09:00'::timestamp + n * interval '1 minute', "
        "'2026-10-06 09:00'::timestamp, 40, 10, 'Bad', true, 'pc' "
        "FROM generate_series(0, 29) n"
    )
    return postgres


def test_the_week_of_a_desk(started, sat):
    done = started("week", "desk3", "--week", "2026-10-07", **sat.environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("desk3, 2026-10-05 to 2026-10-11\n")
    (tuesday,) = [row for row in done.stdout.splitlines() if row.startswith("Tue")]
    assert tuesday.split() == ["Tue", "100"]
    assert "30 min judged, 100 % of it leaning." in done.stdout


@pytest.mark.parametrize("command", ["week", "export", "forget"])
def test_a_camera_that_never_was_is_answered_with_one_like_it(posture, sat, command):
    done = posture(command, "desk33", **sat.environ)
    assert done.returncode == 2
    assert "nothing is kept of a camera 'desk33'; did you mean desk3?" in done.stderr


@pytest.mark.parametrize("words", [("--week", "soon"), ("--timezone", "Mars")])
def test_a_week_that_is_none_is_refused(posture, sat, words):
    done = posture("week", "desk3", *words, **sat.environ)
    assert done.returncode == 2
    assert words[1] in done.stderr


def test_status_says_who_is_at_work_by_the_table(posture, sat):
    quiet = posture("status", **sat.environ)
    assert quiet.returncode == 1
    assert "no worker is at work" in quiet.stdout
    assert "desk3: " in quiet.stdout
    sat.execute("UPDATE posture_log SET received_time = now() AT TIME ZONE 'utc'")
    busy = posture("status", "--waiting", **sat.environ)
    assert "at work: the newest row came" in busy.stdout
    assert "would throw the worker off the broker" in busy.stderr


# forget


def test_forget_counts_and_asks_before_anything_is_gone(posture, sat):
    sat.execute((ROOT / "deploy" / "posture_keeper.sql").read_text())
    sat.execute("ALTER ROLE posture_keeper PASSWORD 'only deletes'")
    keeper = {"SUPABASE_USER": "posture_keeper", "SUPABASE_PASSWORD": "only deletes"}
    environ = sat.environ | keeper
    done = posture("forget", "desk3", **environ)
    assert done.returncode == 2
    assert "30 rows" in done.stdout
    assert "give --yes" in done.stderr
    assert len(sat.rows()) == 30

    done = posture("forget", "desk3", "--yes", "--from", "2026-10-06T09:15", **environ)
    assert done.returncode == 0, done.stderr
    assert "deleted: 0 pictures, 0 files in quarantine, 15 rows" in done.stdout
    assert len(sat.rows()) == 15


# why


def test_why_finds_nothing_broken_while_rows_come(posture, sat, broker):
    sat.execute("UPDATE posture_log SET received_time = now() AT TIME ZONE 'utc'")
    done = posture("why", **sat.environ, **broker.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no link is known to be broken" in done.stdout


def test_why_names_the_first_broken_link_and_what_to_do(posture, sat):
    environ = sat.environ | {"MQTT_HOST": "127.0.0.1", "MQTT_PORT": "1"}
    done = posture("why", **environ)
    assert done.returncode == 1
    assert "BROKEN  Broker" in done.stdout
    assert "MQTT_HOST" in done.stdout


def test_why_listens_for_a_camera_that_sends_nothing(posture, sat, broker):
    done = posture("why", **sat.environ, **broker.environ)
    assert done.returncode == 1
    assert "listening for pictures" in done.stderr
    assert "BROKEN  Last picture of any camera" in done.stdout


# doctor


def test_doctor_goes_on_without_settings(started, postgres):
    done = started("doctor", MQTT_HOST="127.0.0.1", MQTT_PORT="1")
    assert done.returncode == 3
    assert "ok    folders" in done.stdout
    assert "SUPABASE_HOST (--supabase-host) is not set" in done.stdout
    assert "FAIL  broker       127.0.0.1:1" in done.stdout


def test_the_launchers_doctor_goes_on_too(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "build_and_push.py", "--doctor", "--skip-build"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "KUBECONFIG": "nowhere", "MQTT_PORT": "1"}
        | {"MQTT_HOST": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "FAIL  settings     SUPABASE_HOST (--supabase-host)" in done.stdout
    assert "FAIL  broker" in done.stdout


# completion


def completions(line, tmp_path):
    (tmp_path / "found").unlink(missing_ok=True)
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COMP_LINE": line}
    environ |= {"COMP_POINT": str(len(line)), "_ARGCOMPLETE": "1", "COMP_TYPE": "9"}
    environ |= {"_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "found")}
    subprocess.run(
        [sys.executable, "-m", "command"],
        cwd=tmp_path,
        env=environ,
        check=False,
        capture_output=True,
    )
    found = (tmp_path / "found").read_text().split("\013")
    return [each.strip() for each in found]


def test_a_shell_completes_commands_and_their_flags(tmp_path):
    assert "week" in completions("posture we", tmp_path)
    assert "--parquet" in completions("posture export --par", tmp_path)
