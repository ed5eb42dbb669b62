"""Tables and databases as people have them: each is right, or refused with a reason."""

import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from common.postgres import Connection, DatabaseError
from nudge.minutes import minutes
from page.history import Wish, find
from page.rows import Rows
from posture.store.kept_rows import KeptRows
from posture.store.posture_log import PostureLog, perhaps_the_row
from posture.store.row import Row
from posture.store.session_rows import newest_of_session
from tests.fixtures.postgres import TABLE
from tests.fixtures.tables import own_database

NOON = datetime.fromisoformat("2026-11-25T12:00:00")
ROW = Row("pi1", "pi1_a.jpg", NOON, NOON, 30, 30, "Bad", True, "jetson-1")
ZONES = ["UTC", "America/New_York", "Asia/Kolkata"]
BIGINT = TABLE.with_name("posture_log_bigint.sql")


def changed(before, after):
    return TABLE.read_text().replace(before, after)


def named(*names):
    return [replace(ROW, filename=name) for name in names]


# Times


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ"])
def test_times_are_utc_whatever_the_column_and_the_databases_zone(postgres, zone, kind):
    table = changed("TIMESTAMP,", f"{kind},")
    zone = f"ALTER DATABASE own SET timezone = '{zone}'"
    aware = NOON.replace(tzinfo=UTC)
    with own_database(postgres, zone, table=table) as database, database.log() as log:
        log.check()
        log.write([ROW])

        ((seconds,),) = database.execute(
            "SELECT extract(epoch FROM received_time)::bigint FROM posture_log"
        )
        assert seconds == aware.timestamp()
        rows = Rows(database.settings)
        (row,) = rows.after(0)
        assert row.received_time == row.analyzed_time == aware
        second = timedelta(seconds=1)
        assert find(rows, Wish(since=aware, until=aware + second))
        assert not find(rows, Wish(until=aware))
        assert minutes(rows, aware, aware + second) == {"pi1": {seconds // 60: True}}
        kept = KeptRows(log)
        assert kept.count_before(aware) == 0
        assert kept.count_before(aware + second) == 1
        assert kept.any_since("pi1", aware)
        assert not kept.any_since("pi1", aware + second)


# What the check finds is what the write would find


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("id SERIAL", "id UUID DEFAULT gen_random_uuid()", "documented type"),
        ("landmarks_detected BOOLEAN", "landmarks_detected INT", "landmarks_detected"),
        ("neck_angle INTEGER", "neck_angle BOOLEAN", "neck_angle"),
        ("received_time TIMESTAMP", "received_time DATE", "received_time is date"),
        ("analyzed_time TIMESTAMP", "analyzed_time TIME", "analyzed_time is time"),
        ("filename TEXT", "filename CHAR(80)", "changes its filename"),
        ("filename TEXT", "filename VARCHAR(20)", "too long"),
        ("pi_id TEXT,", "pi_id TEXT, site TEXT NOT NULL,", "needs a default"),
    ],
)
def test_a_table_that_cannot_take_rows_as_they_are_is_found_by_the_check(
    postgres, before, after, words
):
    with (
        own_database(postgres, table=changed(before, after)) as database,
        database.log() as log,
        pytest.raises(DatabaseError, match=words) as caught,
    ):
        log.check()
    assert "posture_log" in str(caught.value)


def test_a_check_leaves_no_row(postgres):
    with own_database(postgres) as database, database.log() as log:
        assert log.check() == []
        assert database.names() == []


SWALLOWING = (
    "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; "
    "END'",
    "CREATE TRIGGER swallow BEFORE INSERT ON posture_log FOR EACH ROW "
    "EXECUTE FUNCTION swallow()",
)


def test_a_trigger_that_keeps_rows_back_is_found_and_nothing_counts_as_written(
    postgres,
):
    with own_database(postgres, *SWALLOWING) as database, database.log() as log:
        for attempt in (log.check, lambda: log.write([ROW])):
            with pytest.raises(DatabaseError, match="does not have it") as caught:
                attempt()
            assert not perhaps_the_row(caught.value)
        database.execute("DROP TRIGGER swallow ON posture_log")
        assert log.write([ROW]).new == {ROW.filename}
        assert database.names() == [ROW.filename]


def test_a_trigger_that_renames_takes_one_row_and_no_more_while_it_is_insisted(
    postgres,
):
    rename = SWALLOWING[0].replace("RETURN NULL", "NEW.filename := ''x''; RETURN NEW")
    with own_database(postgres) as database, database.log() as log:
        log.check()
        database.execute(rename)
        database.execute(SWALLOWING[1])
        for _ in range(3):
            with pytest.raises(DatabaseError, match="changes its filename"):
                log.write([ROW])
        assert database.names() == ["x"]


POLICY = "CREATE POLICY adds ON posture_log FOR INSERT TO analyzer WITH CHECK (true)"


def test_row_level_security_that_lets_rows_in_and_hides_them_is_found(postgres):
    secured = "ALTER TABLE posture_log ENABLE ROW LEVEL SECURITY"
    with own_database(postgres, secured, POLICY) as database, database.log() as log:
        for attempt in (log.check, lambda: log.write([ROW])):
            with pytest.raises(DatabaseError, match="a policy for each") as caught:
                attempt()
            assert not perhaps_the_row(caught.value)
        assert database.names() == []
        database.execute(
            "CREATE POLICY looks ON posture_log FOR SELECT TO analyzer USING (true)"
        )
        log.check()
        log.write([ROW])
        log.write([ROW])
        assert database.names() == [ROW.filename]


# Once, whatever is in the table


def race(database, rounds=20, workers=4):
    """Twins write the same rows at the same moments."""
    start, failures = threading.Barrier(workers), []

    def work():
        with database.log() as log:
            log.check()
            try:
                for number in range(rounds):
                    start.wait(60)
                    log.write(named(f"{number}"))
            except DatabaseError as error:
                failures.append(error)
                start.abort()

    twins = [threading.Thread(target=work) for _ in range(workers)]
    for each in twins:
        each.start()
    for each in twins:
        each.join()
    assert failures == []
    return sorted(database.names()), sorted(f"{number}" for number in range(rounds))


FAR = "INSERT INTO posture_log (id, filename) VALUES (2000000000, 'far')"


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(
            [
                "ALTER DATABASE own SET default_transaction_isolation = "
                "'repeatable read'"
            ],
            id="repeatable read",
        ),
        pytest.param(
            ["ALTER DATABASE own SET default_transaction_isolation = 'serializable'"],
            id="serializable",
        ),
        pytest.param([FAR], id="an id far above the sequence"),
        pytest.param(
            ["ALTER SEQUENCE posture_log_id_seq INCREMENT BY 100000"], id="wide steps"
        ),
        pytest.param(
            ["ALTER SEQUENCE posture_log_id_seq CACHE 50"], id="ids in blocks"
        ),
    ],
)
def test_twins_write_each_row_once(postgres, statements):
    with own_database(postgres, *statements) as database:
        found, wanted = race(database)
    assert [name for name in found if name != "far"] == wanted


def test_a_unique_index_of_the_users_own_is_no_row_s_fault(postgres):
    unique = "CREATE UNIQUE INDEX ON posture_log (filename)"
    with own_database(postgres, unique) as database, database.log() as log:
        log.write(named("old"))
        database.execute(
            "INSERT INTO posture_log (filename) "
            "SELECT 'f' || n FROM generate_series(1, 30001) AS n"
        )
        with pytest.raises(DatabaseError):
            log.write(named("old", "new"))
        stored, failed = log.write_each(named("old", "new"))
        assert not failed
        assert stored.ids["old"] == 1
        assert stored.new == {"new"}


# Errors that would hit every row


def insists(log, row=ROW):
    """The table's error, which is not put on the row."""
    with pytest.raises(DatabaseError) as caught:
        log.write([row])
    error = caught.value
    assert not perhaps_the_row(error) or not log.takes_others(row)
    return str(error)


@pytest.mark.parametrize(
    ("breaks", "mends", "words"),
    [
        pytest.param(
            "INSERT INTO posture_log (id) SELECT generate_series(1, 40)",
            "SELECT setval('posture_log_id_seq', max(id)) FROM posture_log",
            "setval",
            id="sequence behind the table",
        ),
        pytest.param(
            "SELECT setval('posture_log_id_seq', 2147483647)",
            "ALTER TABLE posture_log ALTER id TYPE BIGINT; "
            "ALTER SEQUENCE posture_log_id_seq AS BIGINT",
            "deploy/posture_log_bigint.sql",
            id="ids at their end",
        ),
        pytest.param(
            "ALTER TABLE posture_log ADD site TEXT NOT NULL",
            "ALTER TABLE posture_log ALTER site SET DEFAULT ''",
            "needs a default",
            id="column without a default",
        ),
        pytest.param(
            "ALTER TABLE posture_log ADD CONSTRAINT late CHECK "
            "(received_time < '2026-01-01')",
            "ALTER TABLE posture_log DROP CONSTRAINT late",
            "late",
            id="times of now",
        ),
    ],
)
def test_an_error_that_would_hit_every_row_is_never_one_rows_fault(
    postgres, breaks, mends, words
):
    with own_database(postgres) as database, database.log() as log:
        log.check()
        database.execute(breaks)
        assert words in insists(log)
        database.execute(mends)
        log.write([ROW])
        assert database.names()[-1] == ROW.filename


def test_a_missing_partition_is_not_the_rows_fault(postgres):
    table = changed("id SERIAL PRIMARY KEY", "id SERIAL").rstrip().removesuffix(";")
    table += " PARTITION BY RANGE (received_time)"
    part = (
        "CREATE TABLE {} PARTITION OF posture_log FOR VALUES FROM ('{}') TO ('{}'); "
        "GRANT SELECT, INSERT ON {} TO analyzer"
    )
    october = part.format("october", "2026-10-01", "2026-11-01", "october")
    november = part.format("november", "2026-11-01", "2026-12-01", "november")
    with (
        own_database(postgres, october, table=table) as database,
        database.log() as log,
    ):
        month = timedelta(days=30)
        log.write([replace(ROW, filename="b", received_time=NOON - month)])
        assert "create the partition" in insists(log)
        database.execute(november)
        assert log.write(named("c")).new == {"c"}


def test_a_name_of_the_node_that_the_database_cannot_hold_is_not_the_rows_fault(
    postgres,
):
    latin = "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    with own_database(postgres, options=latin) as database, database.log() as log:
        insists(log, replace(ROW, processed_by="jetson-\U0001f916"))
        insists(log, replace(ROW, processed_by="a\0b"))


def test_a_camera_that_the_table_does_not_take_is_its_rows_fault(postgres):
    known = "ALTER TABLE posture_log ADD CONSTRAINT known CHECK (pi_id LIKE 'pi%')"
    with own_database(postgres, known) as database, database.log() as log:
        (doubt,) = log.check()
        assert "is not known yet" in doubt
        stranger = replace(ROW, pi_id="stranger", filename="s")
        with pytest.raises(DatabaseError) as caught:
            log.write([stranger])
        assert perhaps_the_row(caught.value)

        stored, failed = log.write_each([*named("a"), stranger])

        assert list(failed) == ["s"]
        assert stored.new == {"a"}
        assert log.takes_others(stranger)


def test_a_row_with_a_far_id_hides_nobody_from_the_nudges(postgres):
    begin = NOON.replace(tzinfo=UTC)
    with own_database(postgres, FAR) as database, database.log() as log:
        log.write([ROW])
        seen = minutes(Rows(database.settings), begin, begin + timedelta(minutes=1))
    assert list(seen) == ["pi1"]


# Numbers


def test_ids_that_will_soon_end_are_said(postgres):
    late = "SELECT setval('posture_log_id_seq', 2100000000)"
    with own_database(postgres, late) as database, database.log() as log:
        (said,) = log.check()
    assert "47483646 more rows" in said
    assert "posture_log_bigint.sql" in said


def test_a_row_that_the_ids_will_meet_is_said(postgres):
    with own_database(postgres, FAR) as database, database.log() as log:
        (said,) = log.check()
    assert "id 2000000000" in said
    assert "setval" in said


@pytest.mark.parametrize("before", [True, False], ids=["new table", "old table"])
def test_the_table_with_large_ids(postgres, before):
    statements = [] if before else [BIGINT.read_text()]
    table = BIGINT.read_text() if before else None
    with (
        own_database(postgres, *statements, table=table) as database,
        database.log() as log,
    ):
        database.execute("SELECT setval('posture_log_id_seq', 3000000000)")
        assert log.check() == []
        log.write([ROW])
        assert [row.id for row in Rows(database.settings).after(0)] == [3000000002]


# What a session has written


def test_a_sessions_rows_are_found_below_any_number_of_others(postgres):
    mine = "abc123" + "0" * 26
    with own_database(postgres) as database, database.log() as log:
        ids = log.write(named(f"pi1_{mine}.jpg")).ids
        database.execute(
            "INSERT INTO posture_log (filename) SELECT 'pi2_' || md5(n::text) || '.jpg'"
            " FROM generate_series(1, 120000) AS n"
        )
        stretches = list(newest_of_session(log, "abc123"))
        assert [row for each in stretches for row in each.rows] == [
            (ids[f"pi1_{mine}.jpg"], mine)
        ]
        assert len(stretches) == 2


def test_a_row_is_confirmed_while_it_is_there(postgres):
    with own_database(postgres) as database, database.log() as log:
        ids = log.write(named("a", "b")).ids
        database.execute("DELETE FROM posture_log WHERE filename = 'a'")
        assert log.confirm(ids) == {"b"}


# The connection


def test_nothing_stays_behind_in_a_connection_that_others_use_too(postgres):
    with own_database(postgres) as database:
        with closing(Connection(database.settings, "test", read_only=True)) as reader:
            state = "SELECT name, setting FROM pg_settings WHERE source = 'session'"
            reader.ask("SELECT 1")
            ((inside,),) = reader.ask("SELECT current_setting('transaction_read_only')")
            assert inside == "on"
            before = reader.ask(state)
            assert before == reader.ask(state)
            with reader._cursor() as cursor:
                cursor.execute("SHOW default_transaction_read_only")
                assert cursor.fetchone() == ("off",)
                cursor.execute("SHOW statement_timeout")
                assert cursor.fetchone() == ("0",)
        with closing(PostureLog(database.settings)) as log:
            log.write([ROW])
