import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime

import psycopg2
import pytest

from common.options import SettingsError
from common.postgres import DatabaseError
from posture.settings import DatabaseSettings
from posture.store.posture_log import COLUMNS, PostureLog, perhaps_the_row
from posture.store.row import Row
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.postgres import PASSWORD
from tests.fixtures.proxy import running_proxy
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ROOT

ROW = Row(
    pi_id="pi1",
    filename="pi1_a.jpg",
    # An hour that some zones skip in the night to summer time.
    received_time=datetime.fromisoformat("2026-03-29T01:30:00.123456"),
    analyzed_time=datetime.fromisoformat("2026-03-29T02:30:00"),
    neck_angle=12,
    body_angle=0,
    posture_status="Good",
    landmarks_detected=True,
    processed_by="jetson-1",
)
NOBODY = replace(
    ROW, neck_angle=None, body_angle=None, posture_status="No_Landmarks_Detected"
)
DEADLINE = 3  # seconds; each test gives ten times as much before it fails


def rows_named(*names):
    return [replace(ROW, filename=name) for name in names]


@contextmanager
def table_of(postgres, **environ):
    settings = {"SUPABASE_DEADLINE": str(DEADLINE)} | postgres.environ | environ
    table = PostureLog(settings_from(DatabaseSettings, settings))
    with closing(table):
        yield table


@pytest.fixture
def table(postgres):
    with table_of(postgres) as table:
        yield table


@contextmanager
def in_time(seconds=10 * DEADLINE):
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


def names(postgres):
    return [row["filename"] for row in postgres.rows()]


def test_a_row_says_what_it_was_told(postgres, table):
    table.write([ROW])

    assert postgres.rows() == [
        {
            "id": 1,
            "pi_id": "pi1",
            "filename": "pi1_a.jpg",
            "received_time": "2026-03-29T01:30:00.123456",
            "analyzed_time": "2026-03-29T02:30:00",
            "neck_angle": 12,
            "body_angle": 0,
            "posture_status": "Good",
            "landmarks_detected": True,
            "processed_by": "jetson-1",
        }
    ]


def test_what_was_not_measured_is_null(postgres, table):
    table.write([NOBODY])

    (row,) = postgres.rows()
    assert (row["neck_angle"], row["body_angle"]) == (None, None)


def test_a_batch_of_nothing_but_nulls_is_written(postgres, table):
    table.write([NOBODY, replace(NOBODY, filename="pi1_b.jpg")])

    assert len(postgres.rows()) == 2


def test_each_row_is_written_once(postgres, table):
    table.write(rows_named("a", "b"))
    table.write(rows_named("b", "c", "a"))

    assert names(postgres) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "text",
    ["'); DROP TABLE posture_log; --", "%s %(a)s %", 'a\\"b', "Küche \U0001f600"],
)
def test_text_is_taken_as_it_is(postgres, table, text):
    table.write([replace(ROW, processed_by=text)])

    assert postgres.rows()[0]["processed_by"] == text


def test_eight_workers_with_the_same_rows_write_each_once(postgres):
    batches = [rows_named(*(f"{b}-{n}" for n in range(25))) for b in range(8)]
    start, failures = threading.Barrier(8), []

    def work(number):
        with table_of(postgres, SUPABASE_DEADLINE="60") as table:
            table.check()
            start.wait(60)
            try:
                # Each begins elsewhere, so that they meet in different places.
                for batch in batches[number:] + batches[:number]:
                    table.write(batch)
            except DatabaseError as error:
                failures.append(error)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    assert failures == []
    assert sorted(names(postgres)) == sorted(
        row.filename for batch in batches for row in batch
    )


def test_eight_workers_that_meet_at_one_row_write_it_once(postgres):
    start = threading.Barrier(8)

    def work():
        with table_of(postgres, SUPABASE_DEADLINE="60") as table:
            table.check()
            for number in range(40):
                start.wait(60)
                table.write(rows_named(f"{number}"))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    assert sorted(names(postgres)) == sorted(f"{number}" for number in range(40))


def test_a_batch_is_written_whole_or_not_at_all(postgres, table):
    with pytest.raises(DatabaseError) as caught:
        table.write([ROW, replace(ROW, filename="b", neck_angle=1 << 40)])

    assert perhaps_the_row(caught.value)
    assert postgres.rows() == []


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"neck_angle": 1 << 40}, id="number out of range"),
        pytest.param({"pi_id": "a\0b"}, id="NUL"),
        pytest.param({"pi_id": "\ud800"}, id="no Unicode"),
    ],
)
def test_a_row_that_can_never_be_written_does_not_keep_the_others(postgres, table, bad):
    good, other = rows_named("good", "other")

    wrong = replace(ROW, filename="bad", **bad)

    stored, failed = table.write_each([good, wrong, other])

    assert names(postgres) == ["good", "other"]
    assert stored.new == {"good", "other"}
    assert list(failed) == ["bad"]
    assert str(failed["bad"]).startswith("database 127.0.0.1:")
    assert table.takes_others(wrong)


@contextmanager
def broken(postgres, statement, repair):
    """The database with something wrong, for as long as a test looks at it."""
    postgres.execute(statement)
    try:
        yield
    finally:
        postgres.execute(repair)


BREAKS = [
    pytest.param(
        "ALTER TABLE posture_log RENAME TO other",
        "ALTER TABLE other RENAME TO posture_log",
        "create the table: deploy/posture_log.sql",
        id="table missing",
    ),
    pytest.param(
        "ALTER TABLE posture_log RENAME neck_angle TO neck",
        "ALTER TABLE posture_log RENAME neck TO neck_angle",
        "the table lacks a documented column",
        id="column missing",
    ),
    pytest.param(
        "REVOKE ALL ON posture_log FROM analyzer",
        "GRANT SELECT, INSERT ON posture_log TO analyzer",
        "grant INSERT and SELECT on posture_log",
        id="no permission",
    ),
]
WRITE_BREAKS = [
    pytest.param(
        "REVOKE USAGE ON posture_log_id_seq FROM analyzer",
        "GRANT USAGE ON posture_log_id_seq TO analyzer",
        "and USAGE on posture_log_id_seq",
        id="no permission to number rows",
    ),
    pytest.param(
        "ALTER ROLE analyzer SET default_transaction_read_only = on",
        "ALTER ROLE analyzer RESET default_transaction_read_only",
        "the database is read-only for now",
        id="read-only",
    ),
]


@pytest.mark.parametrize(("statement", "repair", "remedy"), BREAKS + WRITE_BREAKS)
def test_what_is_wrong_with_the_table_is_said_and_can_be_repaired(
    postgres, table, statement, repair, remedy
):
    with broken(postgres, statement, repair):
        with pytest.raises(DatabaseError) as caught:
            table.write([ROW])
        assert remedy in str(caught.value)
        assert not perhaps_the_row(caught.value)

    table.write([ROW])

    assert names(postgres) == [ROW.filename]


@pytest.mark.parametrize(("statement", "repair", "remedy"), BREAKS)
def test_a_check_finds_what_is_wrong_before_the_first_row(
    postgres, table, statement, repair, remedy
):
    with broken(postgres, statement, repair), pytest.raises(DatabaseError) as caught:
        table.check()
    assert remedy in str(caught.value)

    table.check()


@pytest.mark.parametrize(
    ("environ", "remedy"),
    [
        pytest.param(
            {"SUPABASE_PASSWORD": "wrong secret"},
            "check SUPABASE_USER and SUPABASE_PASSWORD",
            id="wrong password",
        ),
        pytest.param(
            {"SUPABASE_USER": "nobody"}, "check SUPABASE_USER", id="unknown user"
        ),
        pytest.param({"SUPABASE_DB": "other"}, "check SUPABASE_DB", id="unknown name"),
        pytest.param(
            {"SUPABASE_HOST": "no-such-host.invalid"},
            "check SUPABASE_HOST",
            id="unknown host",
        ),
        pytest.param({"SUPABASE_SSL": "require"}, "SUPABASE_SSL=disable", id="no TLS"),
        pytest.param(
            {"SUPABASE_PORT": str(free_port())}, "Connection refused", id="nobody there"
        ),
    ],
)
def test_what_is_wrong_with_the_settings_is_said(postgres, environ, remedy):
    with table_of(postgres, **environ) as table:
        for attempt in (table.check, lambda: table.write([ROW])):
            with in_time(), pytest.raises(DatabaseError) as caught:
                attempt()
            assert remedy in str(caught.value)
            assert "\n" not in str(caught.value)
            assert not perhaps_the_row(caught.value)


@pytest.mark.parametrize("name", ["SUPABASE_DB", "SUPABASE_USER", "SUPABASE_HOST"])
def test_the_password_is_in_no_text(postgres, name):
    # A password in the wrong variable is the way it gets into a message.
    with (
        pytest.raises((DatabaseError, SettingsError)) as caught,
        table_of(postgres, **{name: PASSWORD}) as table,
    ):
        table.check()
    assert PASSWORD not in str(caught.value)
    assert "SUPABASE_" in str(caught.value)


def test_a_locked_table_is_given_up_in_time(postgres, table):
    with closing(
        psycopg2.connect(
            host=str(postgres.folder),
            port=postgres.port,
            user="postgres",
            dbname="posture",
        )
    ) as other:
        other.cursor().execute("LOCK TABLE posture_log")
        with in_time(), pytest.raises(DatabaseError) as caught:
            table.write([ROW])
        assert not perhaps_the_row(caught.value)
        # The server gives up too, or it would write the row whenever the lock is free.
        wait_until(lambda: waiting(postgres) == 0, "the statement has ended")
    assert postgres.rows() == []

    table.write([ROW])

    assert names(postgres) == [ROW.filename]


def waiting(postgres):
    return postgres.execute(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'posture-analyzer' AND state <> 'idle'"
    )[0][0]


@pytest.mark.parametrize("connected", [True, False], ids=["later", "from the start"])
def test_a_network_that_goes_silent_is_given_up_in_time(postgres, connected):
    with (
        running_proxy(postgres.port) as proxy,
        table_of(postgres, SUPABASE_PORT=str(proxy.port)) as table,
    ):
        if connected:
            table.check()
        proxy.mode = "swallow"
        with (
            in_time(),
            pytest.raises(DatabaseError, match="did not answer") as caught,
        ):
            table.write([ROW])
        assert not perhaps_the_row(caught.value)
        proxy.mode = "pass"
        table.write([ROW])

    assert names(postgres) == [ROW.filename]


def test_a_cut_connection_is_made_again(postgres):
    with (
        running_proxy(postgres.port) as proxy,
        table_of(postgres, SUPABASE_PORT=str(proxy.port)) as table,
    ):
        table.write(rows_named("a"))
        proxy.cut()
        with in_time(), pytest.raises(DatabaseError) as caught:
            table.write(rows_named("b"))
        assert not perhaps_the_row(caught.value)
        table.write(rows_named("b"))

    assert names(postgres) == ["a", "b"]


def test_the_fault_of_the_database_is_not_put_on_a_row(postgres):
    nowhere = str(free_port())
    with (
        table_of(postgres, SUPABASE_PORT=nowhere) as table,
        pytest.raises(DatabaseError),
    ):
        table.write_each([ROW])


REASONS = (ROOT / "deploy" / "posture_log_reasons.sql").read_text()
UNJUDGED = replace(
    NOBODY, reason="hip_not_in_sight", view="oblique", yaw=55, filename="pi1_why.jpg"
)


def test_why_nobody_was_judged_is_written_where_the_table_has_columns_for_it(
    reasons,
):
    reasons.execute(REASONS)  # again: changes nothing
    with table_of(reasons) as table:
        table.write([UNJUDGED, ROW])

    by_name = {row["filename"]: row for row in reasons.rows()}
    unjudged, judged = by_name["pi1_why.jpg"], by_name["pi1_a.jpg"]
    assert (unjudged["reason"], unjudged["view"], unjudged["yaw"]) == (
        *("hip_not_in_sight", "oblique", 55),
    )
    assert (judged["reason"], judged["view"], judged["yaw"]) == (None, None, None)


def test_a_table_without_these_columns_gets_the_same_rows(postgres, table):
    table.write([UNJUDGED])

    assert names(postgres) == ["pi1_why.jpg"]
    assert "reason" not in postgres.rows()[0]


def test_columns_that_come_and_go_cost_no_row(reasons):
    with table_of(reasons) as table:
        table.write([UNJUDGED])
        reasons.execute("ALTER TABLE posture_log DROP COLUMN reason")
        with pytest.raises(DatabaseError):
            table.write([ROW])
        table.write([ROW])  # the recorder insists

    assert names(reasons) == ["pi1_why.jpg", "pi1_a.jpg"]


def test_columns_of_these_names_that_are_for_something_else_are_left_alone(reasons):
    reasons.execute("ALTER TABLE posture_log DROP COLUMN view, ADD COLUMN view INTEGER")
    with table_of(reasons) as table:
        table.write([UNJUDGED])

    (row,) = reasons.rows()
    assert (row["view"], row["reason"]) == (None, "hip_not_in_sight")


def test_a_column_that_the_user_may_not_fill_is_left_alone(reasons):
    reasons.execute("REVOKE INSERT ON posture_log FROM analyzer")
    documented = ", ".join(COLUMNS)
    reasons.execute(f"GRANT INSERT ({documented}) ON posture_log TO analyzer")
    with table_of(reasons) as table:
        table.write([UNJUDGED])
    reasons.execute("GRANT INSERT ON posture_log TO analyzer")

    assert reasons.rows()[0]["reason"] is None
