"""What is deleted, what is left, and what is said about it."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.fixtures.kept import Kept
from tests.fixtures.net import wait_until
from tests.fixtures.scripts import running_script
from tests.fixtures.worker import ROOT

DEPLOY = ROOT / "deploy"
DAY = ("--from", "2026-11-02", "--to", "2026-11-03")
NOON = "2026-11-02T12:00:00"


@pytest.fixture
def kept(postgres, tmp_path):
    """The shared table with the role of the shipped script, which is run twice."""
    for _ in range(2):
        postgres.execute((DEPLOY / "posture_keeper.sql").read_text())
    postgres.execute("ALTER ROLE posture_keeper PASSWORD 'only deletes'")
    return Kept(tmp_path, postgres)


def days_ago(days):
    moment = datetime.now(UTC) - timedelta(days=days)
    return moment.replace(tzinfo=None).isoformat()


# forget


def test_forget_deletes_rows_pictures_and_quarantine_of_one_camera_and_period(kept):
    gone = [kept.picture("desk1", f"2026-11-02T{hour:02}:00:00") for hour in range(24)]
    kept.refused("images/desk1", NOON)
    stays = [
        kept.picture("desk1", "2026-11-01T23:59:59.999"),
        kept.picture("desk1", "2026-11-03T00:00:00"),
        kept.picture("desk2", NOON),
    ]
    notes = [
        kept.refused("images/desk2", NOON),
        kept.refused("images/desk1", "2026-11-03"),
    ]

    done = kept.start("forget", "--pi", "desk1", *DAY)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "deleted: 24 pictures, 2 files in quarantine, 24 rows\n"
    assert not [path for path in gone if path.exists()]
    assert [name for _, name in kept.rows()] == [path.name for path in stays]
    payloads = {note.with_suffix(".payload").name for note in notes}
    assert kept.files() == {path.name for path in (*stays, *notes)} | payloads


def test_a_dry_run_says_the_same_and_deletes_nothing(kept):
    for _ in range(3):
        kept.picture("desk1", NOON)
    kept.file("desk1", NOON)
    kept.refused("images/desk1", NOON)
    before = kept.files(), kept.rows()

    said = kept.run("forget", "--pi", "desk1", *DAY, "--dry-run").stdout

    assert said == "would be deleted: 4 pictures, 2 files in quarantine, 3 rows\n"
    assert (kept.files(), kept.rows()) == before
    assert kept.run("forget", "--pi", "desk1", *DAY).stdout == said.replace(
        "would be deleted", "deleted"
    )
    assert (kept.files(), kept.rows()) == (set(), [])


def test_forgetting_twice_is_the_same_as_once(kept):
    kept.picture("desk1", NOON)
    kept.run("forget", "--pi", "desk1", *DAY)

    again = kept.run("forget", "--pi", "desk1", *DAY)

    assert again.returncode == 0
    assert again.stdout == "deleted: 0 pictures, 0 files in quarantine, 0 rows\n"


@pytest.fixture
def calibrated(kept):
    """Two cameras of which there is nothing but a baseline."""
    kept.database.execute((DEPLOY / "posture_baseline.sql").read_text())
    kept.database.execute(
        "INSERT INTO posture_baseline SELECT pi, 20, 5, 9, '2026-11-02 12:00' "
        "FROM unnest(ARRAY['desk1', 'desk2']) AS pi"
    )
    yield kept
    kept.database.execute("DROP TABLE posture_baseline")


def test_forget_deletes_the_baseline_of_that_camera_and_period(calibrated):
    def left():
        found = calibrated.database.execute("SELECT pi_id FROM posture_baseline")
        return sorted(pi for (pi,) in found)

    later = ("--from", "2026-11-02T12:30", "--to", "2026-11-03")
    kept = calibrated.run("forget", "--pi", "desk1", *later)
    assert kept.stdout == "deleted: 0 pictures, 0 files in quarantine, 0 rows\n"
    would = calibrated.run("forget", "--pi", "desk1", *DAY, "--dry-run")
    assert would.stdout.endswith("0 rows, 1 baseline\n")
    assert left() == ["desk1", "desk2"]

    done = calibrated.run("forget", "--pi", "desk1", *DAY)
    assert done.stdout.endswith("0 rows, 1 baseline\n")
    assert left() == ["desk2"]


def test_a_keeper_who_may_not_forget_a_baseline_deletes_nothing_else(calibrated):
    path = calibrated.picture("desk1", NOON)
    calibrated.database.execute("REVOKE ALL ON posture_baseline FROM posture_keeper")
    done = calibrated.run("forget", "--pi", "desk1", *DAY)
    assert done.returncode == 1
    assert "may not delete from posture_baseline" in done.stderr
    assert path.exists()


NEIGHBOURS = [
    "desk",
    "desk1",
    "desk11",
    "desk1_1",
    "desk.1",
    "desk-1",
    "DESK1",
    "desk_1",
]


@pytest.mark.parametrize("pi", NEIGHBOURS)
def test_no_other_camera_is_touched_however_alike_its_name(kept, pi):
    paths = {each: kept.picture(each, NOON) for each in NEIGHBOURS}
    notes = {each: kept.refused(f"images/{each}", NOON) for each in NEIGHBOURS}

    assert kept.run("forget", "--pi", pi, *DAY).returncode == 0

    assert [each for each in NEIGHBOURS if not paths[each].exists()] == [pi]
    assert [each for each in NEIGHBOURS if not notes[each].exists()] == [pi]
    assert [each for each, _ in kept.rows()] == [e for e in NEIGHBOURS if e != pi]


@pytest.mark.parametrize(
    "name",
    ["%", "desk%", "", ".", "..", "../desk1", "desk1/", "a b", "x'; --", "-desk"],
)
def test_a_name_that_no_row_has_is_refused(kept, name):
    kept.picture("desk1", NOON)

    done = kept.run("forget", f"--pi={name}", *DAY)

    assert done.returncode == 2
    assert "is in no row" in done.stderr
    assert len(kept.rows()) == 1


def test_what_a_hostile_row_names_is_not_deleted_outside_the_cameras_folder(kept):
    other = kept.picture("desk2", NOON)
    outside = kept.pictures / "outside.jpg"
    outside.write_bytes(b"")
    hostile = [
        f"../{other.parent.name}/{other.name}",
        "../outside.jpg",
        str(outside),
        "..",
        "",
        "x" * 3000 + ".jpg",
        None,
    ]
    for name in hostile:
        kept.row("desk1", NOON, name)

    done = kept.run("forget", "--pi", "desk1", *DAY)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("deleted: 0 pictures")
    assert outside.exists()
    assert [pi for pi, _ in kept.rows()] == ["desk2"]
    assert other.exists()


def test_files_that_the_worker_did_not_write_stay(kept):
    own = kept.file("desk1", NOON)
    mine = [
        own.with_name("holiday.jpg"),
        own.with_name(".keep"),
        kept.pictures / "a.jpg",
    ]
    kept.refused("images/desk1", NOON)
    mine.append(kept.quarantine / "notes.json")
    for path in mine:
        path.write_bytes(b"")
        os.utime(path, (own.stat().st_mtime,) * 2)

    kept.run("forget", "--pi", "desk1", *DAY)
    kept.run("prune", "--picture-days", "1")

    assert kept.files() == {path.name for path in mine}


def test_pictures_without_a_row_are_forgotten_too_whole_or_half_written(kept):
    path = kept.file("desk1", NOON)
    half = path.with_name(f".{path.name}.0a1b2c3d")
    half.write_bytes(b"")
    os.utime(half, (path.stat().st_mtime,) * 2)

    done = kept.run("forget", "--pi", "desk1", *DAY)

    assert done.stdout.startswith("deleted: 2 pictures")
    assert kept.files() == set()


def test_a_picture_whose_row_is_of_another_time_stays(kept):
    # Saved by a version that gave files the time of their saving.
    path = kept.file("desk1", "2026-11-02T00:00:01")
    kept.row("desk1", "2026-11-01T23:59:59", path.name)

    kept.run("forget", "--pi", "desk1", *DAY)

    assert path.exists()


def test_a_note_that_cannot_be_read_is_named_and_left(kept):
    note = kept.refused("images/desk1", NOON)
    note.write_text("{")

    done = kept.run("forget", "--pi", "desk1", *DAY)

    assert done.returncode == 0
    assert f"{note.name}: whose it is cannot be read" in done.stderr
    assert note.exists()


def test_a_picture_that_cannot_be_deleted_keeps_its_row_and_is_said(kept):
    path = kept.picture("desk1", NOON)
    content = path.read_bytes()
    path.unlink()
    path.mkdir()  # in its place: resists, also against root

    done = kept.run("forget", "--pi", "desk1", *DAY)

    assert done.returncode == 1
    assert f"cannot be deleted: {path}" in done.stderr
    assert len(kept.rows()) == 1
    path.rmdir()
    path.write_bytes(content)
    assert kept.run("forget", "--pi", "desk1", *DAY).returncode == 0
    assert (kept.files(), kept.rows()) == (set(), [])


def test_a_run_that_was_killed_is_finished_by_the_next_one(kept):
    kept.database.execute(
        "INSERT INTO posture_log (pi_id, filename, received_time) "
        "SELECT 'desk1', 'desk1_' || md5(n::text) || '.jpg', '2026-11-02 12:00' "
        "FROM generate_series(1, 30000) AS n"
    )
    for (name,) in kept.database.execute("SELECT filename FROM posture_log LIMIT 3000"):
        path = kept.file("desk1", NOON)
        path.rename(path.with_name(name))
    command = [
        sys.executable,
        str(ROOT / "retention.py"),
        "forget",
        "--pi",
        "desk1",
        *DAY,
    ]
    process = subprocess.Popen(command, env=kept.environ, stdout=subprocess.DEVNULL)
    wait_until(lambda: len(kept.files()) < 3000, "some are gone", step=0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert kept.database.execute("SELECT count(*) FROM posture_log")[0][0] > 0

    assert kept.run("forget", "--pi", "desk1", *DAY).returncode == 0

    assert (kept.files(), kept.rows()) == (set(), [])


WRONG = {
    "no camera": ("forget", *DAY),
    "no period": ("forget", "--pi", "desk1"),
    "no end": ("forget", "--pi", "desk1", "--from", "2026-11-02"),
    "the wrong way round": (
        "forget",
        "--pi",
        "a",
        "--from",
        "now",
        "--to",
        "2026-11-02",
    ),
    "no time": ("forget", "--pi", "desk1", "--from", "yesterday", "--to", "now"),
    "nothing to prune": ("prune",),
    "no days": ("prune", "--row-days", "0"),
    "no command": (),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_a_command_that_is_not_clear_deletes_nothing(kept, arguments):
    kept.picture("desk1", NOON)
    done = kept.run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(kept.rows()) == 1


def test_a_folder_that_is_not_here_is_named(kept):
    kept.row("desk1", NOON, "desk1_x.jpg")
    done = kept.run("forget", "--pi", "desk1", *DAY)
    assert done.returncode == 0
    assert f"there is no folder {kept.pictures} here" in done.stderr


def test_a_time_may_have_a_zone(kept):
    kept.picture("desk1", NOON)
    period = ("--from", "2026-11-02T12:30+01:00", "--to", "2026-11-02T13:30+01:00")
    assert "1 rows" in kept.run("forget", "--pi", "desk1", *period).stdout


# Rights


def test_without_the_right_to_delete_no_file_is_touched_and_the_remedy_is_said(kept):
    path = kept.picture("desk1", NOON)
    own = {
        key: kept.database.environ[key]
        for key in ("SUPABASE_USER", "SUPABASE_PASSWORD")
    }

    done = kept.run("forget", "--pi", "desk1", *DAY, **own)

    assert done.returncode == 1
    assert "deploy/posture_keeper.sql" in done.stderr
    assert path.exists()


def test_rows_that_row_level_security_keeps_are_not_counted_as_deleted(
    own_postgres, tmp_path
):
    own_postgres.execute((DEPLOY / "posture_keeper.sql").read_text())
    own_postgres.execute((DEPLOY / "supabase_rls.sql").read_text())
    own_postgres.execute("ALTER ROLE posture_keeper PASSWORD 'only deletes'")
    kept = Kept(tmp_path, own_postgres)
    kept.picture("desk1", NOON)
    own_postgres.execute("DROP POLICY posture_keeper_deletes ON posture_log")
    done = kept.run("forget", "--pi", "desk1", *DAY)
    assert done.returncode == 1
    assert "row-level security" in done.stderr
    own_postgres.execute((DEPLOY / "posture_keeper.sql").read_text())
    assert kept.run("forget", "--pi", "desk1", *DAY).returncode == 0
    assert kept.rows() == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT posture_status FROM posture_log",
        "UPDATE posture_log SET pi_id = 'x'",
        "INSERT INTO posture_log (pi_id) VALUES ('x')",
        "TRUNCATE posture_log",
    ],
)
def test_the_role_for_deleting_may_do_nothing_else(kept, statement):
    with pytest.raises(Exception, match="permission denied"):
        kept.database.execute(f"SET LOCAL ROLE posture_keeper; {statement}")


def test_a_database_that_is_away_is_said(kept):
    path = kept.picture("desk1", NOON)
    done = kept.run("forget", "--pi", "desk1", *DAY, SUPABASE_PORT="1")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert path.exists()


# prune


def test_prune_deletes_by_age(kept):
    old = [kept.picture("desk1", days_ago(days)) for days in (400, 31)]
    kept.refused("images/desk1", days_ago(31))
    new = kept.picture("desk2", days_ago(29))
    note = kept.refused("images/desk1", days_ago(29))
    arguments = ("prune", "--picture-days", "30", "--row-days", "365")
    words = "2 pictures, 2 files in quarantine, 1 rows\n"

    assert kept.run(*arguments, "--dry-run").stdout == f"would be deleted: {words}"
    assert len(kept.rows()) == 3
    done = kept.run(*arguments)

    assert done.stdout == f"deleted: {words}", done.stderr
    assert [name for _, name in kept.rows()] == [old[1].name, new.name]
    assert kept.files() == {new.name, note.name, note.with_suffix(".payload").name}


def test_a_daily_prune_deletes_at_once_and_goes_on(kept, tmp_path):
    kept.row("desk1", days_ago(400), "x.jpg")
    flags = ("prune", "--row-days", "365", "--daily", "03:17")
    with running_script(
        "retention.py", *flags, folder=tmp_path, **kept.environ
    ) as script:
        script.wait_for("03:17")
        assert kept.rows() == []
        assert script.stop() == 0


def test_a_daily_prune_outlives_a_database_that_is_away(tmp_path, kept):
    flags = ("prune", "--row-days", "365", "--daily", "03:17")
    away = kept.environ | {"SUPABASE_PASSWORD": "wrong", "SUPABASE_DEADLINE": "2"}
    with running_script("retention.py", *flags, folder=tmp_path, **away) as script:
        script.wait_for("next: ")
        assert "run this again" in script.log
        assert script.stop() == 0


def test_to_be_daily_is_for_prune_and_needs_a_time(kept):
    done = kept.run("prune", "--row-days", "9", "--daily", "early")
    assert done.returncode == 2
    assert "no time of the day such as 03:17" in done.stderr
    done = kept.run("forget", "--pi", "desk1", *DAY, "--daily", "03:17")
    assert done.returncode == 2
    assert "--daily is for prune" in done.stderr


def test_a_picture_that_cannot_be_pruned_keeps_no_row(kept):
    path = kept.picture("desk1", days_ago(400))
    path.unlink()
    path.mkdir()
    os.utime(path, (1, 1))
    done = kept.run("prune", "--picture-days", "30", "--row-days", "365")
    assert done.returncode == 1
    assert "1 files cannot be deleted" in done.stderr
    assert kept.rows() == []


def test_pictures_are_pruned_without_a_database(kept):
    kept.file("desk1", days_ago(3))
    nothing = {name: "" for name in kept.environ if name.startswith("SUPABASE")}
    done = kept.run("prune", "--picture-days", "2", **nothing)
    assert done.stdout == "deleted: 1 pictures, 0 files in quarantine\n", done.stderr


def test_a_large_table_is_pruned_while_workers_write(kept):
    kept.database.execute(
        "INSERT INTO posture_log (pi_id, received_time) "
        "SELECT 'desk1', now() at time zone 'UTC' - n * interval '1 minute' "
        "FROM generate_series(28800, 1, -1) AS n"
    )
    # A gap in the numbers, and a row that a worker has not committed yet.
    kept.database.execute("DELETE FROM posture_log WHERE id BETWEEN 3000 AND 20000")
    connection = kept.database.connect()
    connection.autocommit = False
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO posture_log (pi_id) VALUES ('new')")
        done = kept.run("prune", "--row-days", "5", SUPABASE_DEADLINE="5")
        connection.commit()
    connection.close()

    assert done.returncode == 0, done.stderr
    left = kept.database.execute("SELECT pi_id, received_time FROM posture_log")
    moment = datetime.fromisoformat(days_ago(5))
    assert len(left) == pytest.approx(5 * 1440 + 1, abs=3)
    assert all(time is None or time > moment - timedelta(minutes=2) for _, time in left)


# What the broker keeps


@pytest.mark.parametrize("later", [False, True])
def test_the_newest_result_at_the_broker_is_forgotten_if_it_is_of_that_time(
    kept, broker, later
):
    kept.picture("desk1", NOON)
    if later:
        kept.picture("desk1", "2026-11-04")
    for pi in ("desk1", "desk11"):
        broker.publish(f"posture/{pi}/status", b"{}", retain=True)
    environ = broker.environ | {"PUBLISH_RESULTS": "true"}
    said = kept.run("forget", "--pi", "desk1", *DAY, "--dry-run", **environ).stdout
    done = kept.run("forget", "--pi", "desk1", *DAY, **environ)

    assert done.returncode == 0, done.stderr
    assert said.removeprefix("would be ") == done.stdout
    assert ("topics at the broker" in done.stdout) != later
    left = {"posture/desk11/status"} | ({"posture/desk1/status"} if later else set())
    assert retained(broker) == left


def test_a_broker_that_is_away_is_said_and_the_rest_is_deleted(kept):
    kept.picture("desk1", NOON)
    away = {"PUBLISH_RESULTS": "true", "MQTT_HOST": "127.0.0.1", "MQTT_PORT": "1"}
    done = kept.run("forget", "--pi", "desk1", *DAY, **away)
    assert done.returncode == 1
    assert "run this again for what is left" in done.stderr
    assert (kept.files(), kept.rows()) == (set(), [])


def retained(broker):
    """Topics of all retained messages."""
    found = set()
    subscribed, answered = threading.Event(), threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _client, _data, message: (
        answered.set() if message.topic == "last" else found.add(message.topic)
    )
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe("#")
    assert subscribed.wait(20)  # else what is published next could come too early
    broker.publish("last", b"")
    assert answered.wait(20)
    client.disconnect()
    client.loop_stop()
    return found
