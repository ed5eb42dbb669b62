"""Nudges from a real table, by a real broker and a receiver on loopback."""

import json
import signal
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

import posture_nudge
from tests.fixtures.listener import kept, listening
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.receiver import receiving
from tests.fixtures.scripts import run_here, run_script, running_script

SCRIPT = "posture_nudge.py"
SECRET = "key-of-the-service"
SUSPEND = "posture/desk1/nudge/suspend"
INSERT = "INSERT INTO posture_log (pi_id, received_time, posture_status) VALUES"


@pytest.fixture
def sit(postgres):
    """Adds a picture for each minute of a text: b bad, g good, n nobody, . none."""

    def run(text, pi="desk1", until=None):
        until = until or datetime.now(UTC)
        status = {
            "b": "Bad",
            "g": "Good",
            "n": "No_Landmarks_Detected",
            "p": "Partial_Landmarks_Detected",
        }
        values = ", ".join(
            f"('{pi}', '{until - timedelta(minutes=len(text) - 1 - n):%F %T}', "
            f"'{status[each]}')"
            for n, each in enumerate(text)
            if each in status
        )
        postgres.execute(f"{INSERT} {values}")

    return run


@pytest.fixture
def receiver():
    with receiving() as server:
        yield server


@pytest.fixture
def nudge(tmp_path, postgres, receiver):
    """Runs the script once; ten minutes, of which six must be bad."""

    def run(*flags, process=False, **environ):
        settings = postgres.environ | {
            "NUDGE_MINUTES": "10",
            "NUDGE_AWAY": "3",
            "NUDGE_URLS": f"json://{SECRET}@127.0.0.1:{receiver.port}",
            "NUDGE_ALL": "true",
            "NUDGE_SUSPEND": "false",
        }
        flags, settings = flags or ("--once",), settings | environ
        if process:
            return run_script(SCRIPT, *flags, folder=tmp_path, **settings)
        return run_here(posture_nudge.main, *flags, folder=tmp_path, **settings)

    return run


def test_bad_for_most_of_the_time_gives_one_nudge(sit, nudge, receiver):
    sit("ggbbgbbbbb")
    for _ in range(3):
        done = nudge(process=True)
        assert done.returncode == 0, done.stderr
    (body,) = receiver.bodies
    assert body["title"] == "Time to sit up or stretch"
    assert body["message"].startswith("desk1: leaning in 7 of the last 10 minutes.")


@pytest.mark.parametrize("text", ["bbbbbnnnnbbbbb", "bbbbb....bbbbb", "bbbpppppppppp"])
def test_who_was_away_or_not_in_sight_is_not_nudged(sit, nudge, receiver, text):
    sit(text)
    assert nudge().returncode == 0
    assert receiver.bodies == []


def test_each_camera_is_told_of_where_it_wants(sit, nudge, receiver):
    sit("bbbbbbbbbbbb", "desk1")
    sit("bbbbbbbbbbbb", "desk2")
    with receiving() as other:
        urls = (
            f"desk1=json://127.0.0.1:{receiver.port} "
            f"desk2=json://127.0.0.1:{other.port}"
        )
        assert nudge(NUDGE_URLS=urls).returncode == 0
        assert [body["message"][:6] for body in receiver.bodies] == ["desk1:"]
        assert [body["message"][:6] for body in other.bodies] == ["desk2:"]


def test_a_camera_without_an_address_is_left_alone(sit, nudge, receiver):
    sit("bbbbbbbbbbbb", "desk3")
    done = nudge(NUDGE_URLS=f"desk1=json://127.0.0.1:{receiver.port}")
    assert done.returncode == 0
    assert done.stderr == ""
    assert receiver.bodies == []


def test_there_is_one_nudge_in_a_period(sit, nudge, receiver, tmp_path):
    sit("b" * 90)
    nudge()
    state = tmp_path / "nudges.json"
    last = datetime.fromisoformat(json.loads(state.read_text())["last"]["desk1"])
    # As it was written before there were suspensions.
    state.write_text(json.dumps({"desk1": (last - timedelta(minutes=59)).isoformat()}))
    nudge()
    assert len(receiver.bodies) == 1
    state.write_text(json.dumps({"desk1": (last - timedelta(minutes=61)).isoformat()}))
    nudge()
    assert len(receiver.bodies) == 2


def test_quiet_hours_are_quiet(sit, nudge, receiver):
    sit("b" * 12)
    now = datetime.now(UTC)
    quiet = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=1):%H:%M}"
    assert nudge(NUDGE_QUIET=quiet, NUDGE_TIMEZONE="UTC").returncode == 0
    assert receiver.bodies == []
    elsewhere = "Pacific/Auckland"  # twelve or thirteen hours ahead
    assert nudge(NUDGE_QUIET=quiet, NUDGE_TIMEZONE=elsewhere).returncode == 0
    assert len(receiver.bodies) == 1


def test_a_service_that_fails_is_tried_again(sit, nudge, receiver):
    sit("b" * 12)
    receiver.status = 500
    done = nudge()
    assert done.returncode == 1
    assert "no service of NUDGE_URLS took the nudge for desk1" in done.stderr
    assert SECRET not in done.stderr
    receiver.status = 200
    nudge()
    nudge()
    assert len(receiver.bodies) == 2


def test_a_dry_run_tells_nobody_and_remembers_nothing(sit, nudge, receiver, tmp_path):
    sit("b" * 12)
    done = nudge("--once", "--dry-run", NUDGE_URLS="")
    assert "nudged: desk1: leaning in 10 of the last 10 minutes" in done.stderr
    assert "dry run: nobody is told" in done.stderr
    state = tmp_path / "nudges.json"
    assert not state.exists()
    assert nudge().returncode == 0
    before = state.read_text()
    done = nudge("--once", "--dry-run")
    assert "nudged" not in done.stderr
    assert state.read_text() == before


def test_nobody_to_tell_and_wrong_addresses_are_said(nudge):
    done = nudge(NUDGE_URLS="")
    assert done.returncode == 1
    assert "nobody to tell" in done.stderr
    done = nudge(NUDGE_URLS=f"desk1=json://127.0.0.1 desk1=slack://{SECRET}")
    assert done.returncode == 1
    assert "does not understand address 2, which begins with slack://" in done.stderr
    assert SECRET not in done.stderr
    urls = f"desk1=json://127.0.0.1 slack://{SECRET}"
    done = nudge(NUDGE_URLS=urls, NUDGE_ALL="false")
    assert done.returncode == 2
    assert "address 2, which begins with slack://, names no camera" in done.stderr
    assert SECRET not in done.stderr
    done = nudge(NUDGE_URLS=SECRET, NUDGE_QUIET="late")
    assert done.returncode == 2
    assert "NUDGE_QUIET (--quiet) is 'late'" in done.stderr
    assert SECRET not in done.stderr


def test_a_state_that_cannot_be_kept_means_no_nudge(sit, nudge, receiver, tmp_path):
    sit("b" * 12)
    (tmp_path / "file").touch()
    done = nudge(NUDGE_STATE=str(tmp_path / "file" / "nudges.json"))
    assert done.returncode == 1
    assert "NUDGE_STATE" in done.stderr
    assert receiver.bodies == []


def test_a_broken_state_counts_as_empty(sit, nudge, receiver, tmp_path):
    sit("b" * 12)
    for text in ("", "[]", '{"desk1": 7}', '{"desk1": "2026-11-25"}'):
        (tmp_path / "nudges.json").write_text(text)
        assert nudge().returncode == 0
    assert len(receiver.bodies) == 4


def test_a_test_reaches_those_of_its_camera_and_says_who_is_known(nudge, receiver):
    address = f"json://{SECRET}@127.0.0.1:{receiver.port}"
    urls = f"desk3={address} kitchen={address}"
    done = nudge("--test", "desk3", NUDGE_URLS=urls, NUDGE_ALL="false")
    assert done.returncode == 0, done.stderr
    (body,) = receiver.bodies
    assert body["message"].startswith("desk3: nudges for this place arrive here.")
    done = nudge("--test", "desk33", NUDGE_URLS=urls, NUDGE_ALL="false")
    assert done.returncode == 1
    assert "only of desk3, kitchen; did you mean desk3?" in done.stderr
    receiver.status = 500
    done = nudge("--test", "desk3", NUDGE_URLS=urls, NUDGE_ALL="false")
    assert done.returncode == 1
    assert SECRET not in done.stderr


def test_a_test_by_the_broker_wants_somebody_who_listens(nudge, broker):
    settings = broker.environ | {"NUDGE_URLS": ""}
    done = nudge("--test", "desk3", "--mqtt", **settings)
    assert done.returncode == 1
    assert "nobody has subscribed to posture/desk3/nudge" in done.stderr
    with listening(broker.port, "posture/+/nudge") as listener:
        assert nudge("--test", "desk3", "--mqtt", **settings).returncode == 0
        (found,) = listener.wait_for("posture/desk3/nudge")
        assert found["test"]


def test_a_test_says_what_holds_nudges_back(nudge, receiver, broker):
    broker.publish(SUSPEND, b"60", retain=True)
    settings = broker.environ | {"NUDGE_SUSPEND": "true"}
    done = nudge("--test", "desk1", NUDGE_QUIET="00:00-23:59", **settings)
    assert "no nudges at this time of the day" in done.stderr
    assert "the nudges for desk1 are suspended until" in done.stderr
    assert len(receiver.bodies) == 1


def test_a_suspension_ends_when_it_was_said_to(sit, nudge, receiver, broker):
    sit("b" * 12)
    settings = broker.environ | {"NUDGE_SUSPEND": "true"}
    broker.publish(SUSPEND, b"60", retain=True)
    before = datetime.now(UTC)
    for _ in range(2):
        assert nudge(**settings).returncode == 0
    # Minutes would begin anew with every start.
    until = datetime.fromisoformat(kept(broker.port, SUSPEND)[SUSPEND].decode())
    assert abs(until - before - timedelta(hours=1)) < timedelta(minutes=5)
    assert receiver.bodies == []
    broker.publish(SUSPEND, until.replace(year=until.year - 1).isoformat().encode())
    broker.publish(SUSPEND, b"off", retain=True)
    assert nudge(**settings).returncode == 0
    assert len(receiver.bodies) == 1


def test_a_suspension_is_known_while_the_broker_is_away(sit, nudge, receiver, broker):
    sit("b" * 12)
    settings = broker.environ | {"NUDGE_SUSPEND": "true"}
    broker.publish(SUSPEND, b"60", retain=True)
    nudge(**settings)
    broker.stop()
    done = nudge(**settings)
    assert "suspensions that are published there are not heard" in done.stderr
    assert receiver.bodies == []
    sit("b" * 12, "desk2")
    assert nudge(**settings).returncode == 0
    assert [body["message"][:6] for body in receiver.bodies] == ["desk2:"]


def test_a_dry_run_changes_no_suspension_at_the_broker(nudge, broker):
    broker.publish(SUSPEND, b"60", retain=True)
    nudge("--once", "--dry-run", **broker.environ, NUDGE_SUSPEND="true")
    assert kept(broker.port, SUSPEND)[SUSPEND] == b"60"


def test_what_is_no_suspension_is_said_and_changes_nothing(
    sit, nudge, receiver, broker
):
    sit("b" * 12)
    broker.publish(SUSPEND, b"after lunch", retain=True)
    done = nudge(**broker.environ, NUDGE_SUSPEND="true")
    assert "posture/desk1/nudge/suspend: 'after lunch' is no pause" in done.stderr
    assert len(receiver.bodies) == 1


def test_a_simulation_shows_the_nudges_of_the_past(sit, nudge, receiver):
    noon = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    sit("g" * 30 + "b" * 80 + "n" * 20 + "b" * 10, until=noon)
    day = ("2026-11-24T09:00Z", "2026-11-24T13:00Z")
    done = nudge("--simulate", *day, process=True, NUDGE_URLS="", TZ="UTC")
    assert done.returncode == 0, done.stderr
    # Bad from 10:11 on, and again from 11:51 on.
    assert [line[:16] for line in done.stdout.splitlines()] == [
        "2026-11-24 10:16",
        "2026-11-24 11:16",
    ]
    assert receiver.bodies == []


@contextmanager
def watching(tmp_path, *flags, **environ):
    settings = {
        "NUDGE_MINUTES": "10",
        "NUDGE_AWAY": "3",
        "NUDGE_INTERVAL": "0.2",
        "NUDGE_SUSPEND": "false",
    }
    with running_script(
        SCRIPT, *flags, folder=tmp_path, **settings | environ
    ) as script:
        script.wait_for("looking every")
        yield script


def test_a_nudge_is_published_as_an_event(tmp_path, postgres, broker, sit):
    environ = broker.environ | postgres.environ
    with listening(broker.port, "posture/#") as listener:
        with watching(tmp_path, "--mqtt", **environ) as script:
            sit("b" * 12)
            (found,) = listener.wait_for("posture/desk1/nudge")
            assert script.stop() == 0
        assert [retained for *_, retained in listener.messages] == [False]
    datetime.fromisoformat(found.pop("time"))
    assert found == {
        "schema": 1,
        "pi": "desk1",
        "title": "Time to sit up or stretch",
        "text": "desk1: leaning in 10 of the last 10 minutes. Sit up, or get up for a "
        "moment.",
        "bad_minutes": 10,
        "minutes": 10,
        "test": False,
    }


def test_a_restart_does_not_nudge_twice(tmp_path, postgres, broker, sit):
    environ = broker.environ | postgres.environ
    sit("b" * 12)
    with listening(broker.port, "posture/#") as listener:
        for _ in range(2):
            with watching(tmp_path, "--mqtt", **environ) as script:
                listener.wait_for("posture/desk1/nudge")
                script.stop(signal.SIGKILL)
        sit("b" * 12, "desk2")
        with watching(tmp_path, "--mqtt", **environ) as script:
            listener.wait_for("posture/desk2/nudge")
            assert script.stop() == 0
        assert len(listener.messages) == 2


def test_it_goes_on_when_database_and_broker_are_back(tmp_path, own_postgres, broker):
    environ = broker.environ | own_postgres.environ | {"SUPABASE_DEADLINE": "2"}
    own_postgres.stop()
    broker.stop()
    with watching(tmp_path, "--mqtt", **environ) as script:
        script.wait_for("trying again")
        own_postgres.start()
        now = datetime.now(UTC)
        for minute in range(12):
            then = now - timedelta(minutes=minute)
            own_postgres.execute(f"{INSERT} ('desk1', '{then:%F %T}', 'Bad')")
        script.wait_for("the nudge for desk1 was not published")
        broker.start()
        script.wait_for("nudged: desk1")
        assert script.stop() == 0
        wait_until(lambda: "stopped" in script.log, "it ended in good order")


def test_health_tells_how_the_last_look_went(tmp_path, own_postgres, broker):
    port = free_port()
    environ = broker.environ | own_postgres.environ | {"METRICS_PORT": str(port)}
    environ |= {"SUPABASE_DEADLINE": "2"}

    def said(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()

    with watching(tmp_path, "--mqtt", **environ) as script:
        assert said("/healthz") == said("/livez") == "ok\n"
        own_postgres.stop()
        script.wait_for("trying again")
        wait_until(lambda: said("/healthz") != "ok\n", "that it is told")
        assert said("/livez") == "ok\n"
