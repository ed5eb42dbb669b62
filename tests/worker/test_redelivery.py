"""A picture that comes again gets no second row, and is not lost with its first."""

import signal

import pytest

from tests.fixtures.net import wait_until
from tests.fixtures.proxy import running_proxy
from tests.worker.conftest import ALL, assert_each_once, files_in, payload

COUNT = 6
OTHERS = (
    "INSERT INTO posture_log (pi_id, filename) SELECT 'other', "
    "'other_' || md5(n::text) || '.jpg' FROM generate_series(1, {}) AS n"
)


@pytest.fixture
def unacknowledged(broker, own_postgres, start_worker, wait_for_rows):
    """A worker whose rows are written, while no acknowledgement gets through."""
    with running_proxy(broker.port) as proxy:

        def start(**environ):
            return start_worker(MQTT_PORT=str(proxy.port), **environ)

        worker = start(LOG_LEVEL="debug")
        with own_postgres.connect() as connection, connection.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE posture_log IN SHARE MODE")
            broker.publish("images/pi1", *map(payload, ALL[:COUNT]))
            said = "is analyzed: its row comes next"
            wait_until(lambda: worker.log.count(said) == COUNT, "all are in hand", 60)
            proxy.mode = "swallow"
            cursor.execute("COMMIT")
        wait_for_rows(own_postgres, COUNT)
        yield worker, proxy, start


@pytest.mark.parametrize("others", [40_000, 150_000])
def test_however_many_rows_others_have_written_since(
    broker, own_postgres, unacknowledged, others
):
    worker, proxy, start = unacknowledged
    worker.signal(signal.SIGKILL)
    worker.wait()
    own_postgres.execute(OTHERS.format(others))
    proxy.mode = "pass"
    worker = start()
    broker.publish("images/pi1", payload(ALL[COUNT]))

    mine = "SELECT filename FROM posture_log WHERE pi_id = 'pi1'"
    wait_until(lambda: len(own_postgres.execute(mine)) > COUNT, "the next one", 60)
    assert worker.stop() == 0
    own_postgres.execute("DELETE FROM posture_log WHERE pi_id = 'other'")
    assert_each_once(own_postgres, worker.pictures, COUNT + 1)


def test_a_database_that_has_lost_its_newest_rows_gets_them_again(
    own_postgres, unacknowledged, wait_for_rows
):
    worker, proxy, _ = unacknowledged
    # A standby takes over that has not got the last rows.
    own_postgres.execute(
        "DELETE FROM posture_log WHERE id > (SELECT max(id) - 4 FROM posture_log)"
    )
    proxy.mode = "pass"
    proxy.cut()

    wait_for_rows(own_postgres, COUNT)
    assert worker.stop() == 0
    assert worker.log.count("the table has lost the row of") == 4
    assert_each_once(own_postgres, worker.pictures, COUNT)


def test_one_cameras_blocked_folder_stops_no_other_camera(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker()
    block = worker.pictures / "analyzed_images_from_pi2"
    block.touch()
    broker.publish("images/pi2", *map(payload, ALL[:3]))
    broker.publish("images/pi1", *map(payload, ALL[3:9]))
    wait_for_rows(postgres, 6)
    worker.wait_for("cannot save pictures of pi2 in", 60)
    worker.wait_for("refused a message of 'images/pi2': cannot save pictures", 60)
    block.unlink()
    broker.publish("images/pi2", payload(ALL[9]))
    wait_for_rows(postgres, 7)
    assert worker.stop() == 0
    assert len(files_in(worker.pictures)) == 7
    assert len(list(worker.quarantine.glob("*.json"))) == 3


def test_a_connection_to_the_database_that_is_lost_does_not_end_what_is_known(
    broker, own_postgres, unacknowledged, wait_for_rows
):
    worker, proxy, _ = unacknowledged
    own_postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE usename = 'analyzer'"
    )
    proxy.mode = "pass"
    proxy.cut()
    broker.publish("images/pi1", payload(ALL[COUNT]))

    wait_for_rows(own_postgres, COUNT + 1)
    assert worker.stop() == 0
    assert_each_once(own_postgres, worker.pictures, COUNT + 1)
