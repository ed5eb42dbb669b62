"""Nothing is lost and nothing comes twice, whatever ends or fails."""

import re
import signal

import pytest

from tests.fixtures.net import wait_until
from tests.worker.conftest import ALL, GOOD, assert_each_once, payload

CLIENT = "posture-analyzer"


def test_a_database_that_stops_and_returns_loses_no_picture(
    broker, own_postgres, start_worker, wait_for_rows
):
    worker = start_worker()
    broker.publish("images/pi1", *map(payload, ALL[:4]))
    wait_for_rows(own_postgres, 4)
    for rows, mode in ((8, "fast"), (12, "immediate")):
        tried = worker.log.count("trying again")
        own_postgres.stop(mode)
        broker.publish("images/pi1", *map(payload, ALL[:4]))
        wait_until(
            lambda n=tried: worker.log.count("trying again") > n, f"{mode}: noticed"
        )
        own_postgres.start()
        wait_for_rows(own_postgres, rows)
        assert_each_once(own_postgres, worker.pictures, rows)


FAULTS = {
    "table missing": (
        "ALTER TABLE posture_log RENAME TO elsewhere",
        "ALTER TABLE elsewhere RENAME TO posture_log",
        "deploy/posture_log.sql",
    ),
    "no permission": (
        "REVOKE INSERT ON posture_log FROM analyzer",
        "GRANT INSERT ON posture_log TO analyzer",
        "grant INSERT and SELECT on posture_log",
    ),
    "read-only": (
        "ALTER ROLE analyzer SET default_transaction_read_only = on",
        "ALTER ROLE analyzer RESET default_transaction_read_only",
        "read-only for now",
    ),
}


@pytest.mark.parametrize(("broken", "mended", "words"), FAULTS.values(), ids=FAULTS)
def test_a_database_fault_is_said_and_pictures_wait_until_it_is_mended(
    broker, own_postgres, start_worker, wait_for_rows, broken, mended, words
):
    own_postgres.execute(broken)
    worker = start_worker()
    broker.publish("images/pi1", payload(GOOD))
    worker.wait_for(words)
    own_postgres.execute(mended)
    wait_for_rows(own_postgres, 1)
    assert_each_once(own_postgres, worker.pictures, 1)


def test_a_wrong_database_password_is_said_without_showing_it(
    broker, own_postgres, start_worker, wait_for_rows
):
    worker = start_worker(SUPABASE_PASSWORD="tr0ub4dor&3")
    broker.publish("images/pi1", payload(GOOD))
    worker.wait_for("check SUPABASE_USER and SUPABASE_PASSWORD")
    own_postgres.execute("ALTER USER analyzer PASSWORD 'tr0ub4dor&3'")
    wait_for_rows(own_postgres, 1)
    assert "tr0ub4dor" not in worker.log


def test_an_unknown_database_host_is_said(start_worker):
    worker = start_worker(SUPABASE_HOST="no-such-host.invalid")
    worker.wait_for("check SUPABASE_HOST")


def test_a_killed_worker_loses_nothing_and_writes_nothing_twice(
    broker, postgres, start_worker, wait_for_rows
):
    start_worker().stop()  # its session collects from now on
    broker.publish("images/pi1", *[payload(ALL[n % len(ALL)]) for n in range(60)])
    for count in (5, 20, 40):
        worker = start_worker()
        wait_for_rows(postgres, count)
        worker.signal(signal.SIGKILL)
        worker.wait()
    worker = start_worker()
    wait_for_rows(postgres, 60)
    assert worker.stop() == 0
    assert_each_once(postgres, worker.pictures, 60)


def test_sigterm_finishes_what_is_in_hand_and_leaves_the_rest_to_the_next_worker(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker()
    broker.publish("images/pi1", *[payload(ALL[n % len(ALL)]) for n in range(60)])
    wait_for_rows(postgres, 3)
    assert worker.stop() == 0
    # Whatever was analyzed is committed, and no file is without its row.
    assert_each_once(postgres, worker.pictures, len(postgres.rows()))
    assert len(postgres.rows()) < 60
    again = start_worker()
    wait_for_rows(postgres, 60)
    assert_each_once(postgres, again.pictures, 60)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"]
)
def test_a_broker_that_restarts_is_connected_to_again(
    broker, postgres, start_worker, wait_for_rows, number
):
    worker = start_worker()
    broker.publish("images/pi1", *map(payload, ALL[:4]))
    wait_for_rows(postgres, 4)
    broker.stop(number)
    worker.wait_for("connection to the broker lost")
    broker.start()
    wait_until(lambda: broker.log.count(f"as {CLIENT} ") >= 2, "reconnected", 40)
    broker.publish("images/pi1", *map(payload, ALL[4:8]))
    wait_for_rows(postgres, 8)
    assert_each_once(postgres, worker.pictures, 8)


def test_pictures_published_while_the_broker_held_them_survive_its_restart(
    broker, postgres, start_worker, wait_for_rows
):
    start_worker().stop()
    broker.publish("images/pi1", *map(payload, ALL[:4]))
    broker.stop(signal.SIGTERM)
    broker.start()
    worker = start_worker()
    wait_for_rows(postgres, 4)
    assert_each_once(postgres, worker.pictures, 4)


def test_a_backlog_larger_than_the_memory_allowed_is_taken_as_fast_as_it_is_done(
    broker, postgres, start_worker, wait_for_rows
):
    start_worker().stop()
    broker.publish("images/pi1", *[payload(ALL[n % len(ALL)]) for n in range(64)])
    worker = start_worker(MEMORY_MB="1")
    wait_for_rows(postgres, 64)
    assert_each_once(postgres, worker.pictures, 64)
    # It would take six times, if it had to disconnect; a busy machine may make it once.
    assert worker.log.count("taking no more until most are done") < 3


def test_a_worker_that_cannot_write_takes_no_more_than_its_memory_allows(
    broker, own_postgres, start_worker, wait_for_rows
):
    worker = start_worker(MEMORY_MB="1")
    own_postgres.stop()
    broker.publish("images/pi1", *[payload(ALL[n % len(ALL)]) for n in range(64)])
    worker.wait_for("taking no more until most are done")
    own_postgres.start()
    wait_for_rows(own_postgres, 64)
    assert_each_once(own_postgres, worker.pictures, 64)


def test_an_idle_worker_ends_by_itself_and_its_session_goes_on(
    broker, postgres, start_worker, wait_for_rows
):
    start_worker().stop()  # its session collects from now on
    broker.publish("images/pi1", payload(GOOD))
    worker = start_worker("--exit-when-idle", "1")
    assert worker.wait() == 0
    assert re.search(r"nothing to do for [1-9] s: ending", worker.log)
    assert len(postgres.rows()) == 1
    broker.publish("images/pi1", payload(GOOD))
    start_worker()
    wait_for_rows(postgres, 2)


def test_of_two_workers_with_the_same_client_id_one_waits(
    broker, postgres, start_worker, wait_for_rows
):
    both = [start_worker(), start_worker()]
    # Once one of them waits, the other has time between its losses, and says nothing.
    said = "another worker with the same client id?"
    wait_until(lambda: any(said in each.log for each in both), said, 30)
    broker.publish("images/pi1", payload(GOOD))
    wait_for_rows(postgres, 1)
    assert not any(each.process.poll() for each in both)


def test_retained_pictures_are_analyzed_once_and_not_at_every_reconnect(
    broker, postgres, start_worker, wait_for_rows
):
    start_worker()
    broker.publish("images/pi1", payload(GOOD), retain=True)
    wait_for_rows(postgres, 1)
    broker.stop()
    broker.start()
    broker.publish("images/pi2", payload(ALL[0]))
    rows = wait_for_rows(postgres, 2)
    assert [row["pi_id"] for row in rows] == ["pi1", "pi2"]
