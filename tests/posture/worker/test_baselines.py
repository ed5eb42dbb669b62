"""Which baselines a worker judges by, with a real table."""

import threading

import pytest

from common.database_settings import DatabaseSettings
from posture.errors import StoppedError
from posture.store.posture_log import PostureLog
from posture.vision.baseline import Baseline
from posture.worker import baselines
from posture.worker.baselines import Baselines
from tests.fixtures.net import wait_until
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ROOT

SQL = (ROOT / "deploy" / "posture_baseline.sql").read_text()


@pytest.fixture
def started(own_postgres, monkeypatch):
    """Starts what a worker asks, which asks the table for every picture."""
    monkeypatch.setattr(baselines, "_FRESH", 0.0)
    monkeypatch.setattr(baselines, "_DELAY", 0.05)
    table = PostureLog(settings_from(DatabaseSettings, own_postgres.environ))
    over = threading.Event()

    def start(preset="nearest", ends=over.is_set):
        found = Baselines(table.ask, preset, ends)
        found.start()
        return found

    yield start
    over.set()
    table.close()


def calibrate(database, pi, neck, body):
    database.execute(SQL)
    database.execute("GRANT SELECT ON posture_baseline TO analyzer")
    database.execute(
        f"INSERT INTO posture_baseline VALUES ('{pi}', {neck}, {body}, 9, now()) "  # noqa: S608
        "ON CONFLICT (pi_id) DO UPDATE SET neck = excluded.neck"
    )


def test_what_changes_in_the_table_is_taken_up(started, own_postgres):
    found = started()
    assert found.of("desk3") is None  # there is no table
    calibrate(own_postgres, "desk3", 30, 8)
    wait_until(lambda: found.of("desk3") == Baseline(30, 8), "the baseline")
    assert found.of("desk4") is None
    calibrate(own_postgres, "desk3", 25, 8)
    wait_until(lambda: found.of("desk3") == Baseline(25, 8), "the new one")
    own_postgres.execute("DELETE FROM posture_baseline")
    wait_until(lambda: found.of("desk3") is None, "it is gone")


def test_the_first_picture_waits_and_later_ones_have_the_last_answer(
    started, own_postgres
):
    calibrate(own_postgres, "desk3", 30, 8)
    own_postgres.stop()
    found = started()
    answers = []
    first = threading.Thread(target=lambda: answers.append(found.of("desk3")))
    first.start()
    first.join(0.5)
    assert not answers
    own_postgres.start()
    first.join(30)
    assert answers == [Baseline(30, 8)]

    own_postgres.stop()
    assert [found.of("desk3") for _ in range(9)] == [Baseline(30, 8)] * 9


def test_a_worker_that_ends_does_not_wait(started, own_postgres):
    own_postgres.stop()
    with pytest.raises(StoppedError):
        started(ends=lambda: True).of("desk3")


def test_legacy_asks_for_none(started, own_postgres):
    calibrate(own_postgres, "desk3", 30, 8)
    assert started("legacy").of("desk3") is None
