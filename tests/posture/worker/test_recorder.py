"""Who hears of rows once they are in the table."""

import time
from datetime import UTC, datetime

import pytest

from posture.mqtt.message import Message
from posture.settings import DatabaseSettings
from posture.store.posture_log import PostureLog
from posture.store.row import Row
from posture.vision.analyze import Analysis
from posture.vision.verdict import Status, Verdict
from posture.worker.dedup import InHand, Written
from posture.worker.events import Events
from posture.worker.outcome import Outcome, Result
from posture.worker.recorder import Recorder
from tests.fixtures.net import wait_until
from tests.fixtures.settings import settings_from


def recorder_of(folder, postgres, in_hand, done, recorded=None, room=1 << 20):
    return Recorder(
        folder,
        room,
        PostureLog(settings_from(DatabaseSettings, postgres.environ)),
        in_hand,
        Written(),
        Outcome(done.append, lambda message, *_: done.append(message), recorded),
        Events(),
    )


@pytest.fixture
def record(tmp_path, postgres):
    """Has a recorder of its own write results; gives the names it told of."""

    def run(*results: Result) -> list[str]:
        told, done = [], []
        recorder = recorder_of(tmp_path, postgres, InHand(), done, told.extend)
        recorder.start()
        for each in results:
            recorder.put(each)
        wait_until(lambda: len(done) == len(results), "all are done with")
        recorder.finish(10)
        return [row.filename for row in told]

    return run


def result(name: str, *, again: bool = False, status: str = "Good") -> Result:
    now = datetime.now(UTC).replace(tzinfo=None)
    row = Row("pi1", name, now, now, 30, 10, status, True, "node")
    message = Message(1, 1, 7, 1, "images/pi1", b"x", again)
    analysis = Analysis(Verdict(Status.GOOD, 30, 10, "left"), b"jpeg")
    return Result(message, name, row, analysis, message.taken, 0.01)


PAST = "ALTER TABLE posture_log ADD CONSTRAINT past CHECK (body_angle > 45) NOT VALID"
MENDED = "ALTER TABLE posture_log DROP CONSTRAINT IF EXISTS past"


def test_a_row_is_not_refused_for_what_has_been_mended_meanwhile(tmp_path, postgres):
    class MendedMeanwhile(PostureLog):
        def takes_others(self, row):
            postgres.execute(MENDED)
            return super().takes_others(row)

    table = MendedMeanwhile(settings_from(DatabaseSettings, postgres.environ))
    refused, done = [], []
    outcome = Outcome(done.append, lambda *told: refused.append(told), None)
    recorder = Recorder(
        tmp_path, 1 << 20, table, InHand(), Written(), outcome, Events()
    )
    postgres.execute(PAST)
    try:
        recorder.start()
        recorder.put(result("a.jpg"))
        wait_until(lambda: done or refused, "it is done with")
    finally:
        recorder.finish(10)
        postgres.execute(MENDED)
    assert not refused
    assert [row["filename"] for row in postgres.rows()] == ["a.jpg"]


def test_a_row_is_told_of_when_it_is_committed(record, postgres):
    assert record(result("a.jpg")) == ["a.jpg"]
    assert [row["filename"] for row in postgres.rows()] == ["a.jpg"]


def test_a_row_of_an_earlier_life_is_not_told_of_again(record, postgres):
    """It is in the table with its own time, and newer ones may have come since."""
    assert record(result("a.jpg")) == ["a.jpg"]
    assert record(result("a.jpg", again=True), result("b.jpg", again=True)) == ["b.jpg"]
    assert len(postgres.rows()) == 2


def test_a_row_that_the_database_refuses_is_not_told_of(record):
    assert record(result("a.jpg"), result("b.jpg", status="\0")) == ["a.jpg"]


def test_a_row_waits_for_what_is_in_hand_until_that_is_done_with(
    tmp_path, postgres, monkeypatch
):
    monkeypatch.setattr("posture.worker.recorder._LINGER", 600)
    in_hand, done = InHand(), []
    recorder = recorder_of(tmp_path, postgres, in_hand, done)
    in_hand.take(1)
    in_hand.take(1)
    recorder.start()
    recorder.put(result("a.jpg"))
    time.sleep(0.2)
    assert not done

    in_hand.done(1)  # the other one was refused
    recorder.look()
    wait_until(lambda: done, "the row is written")

    recorder.finish(10)


def test_annotated_pictures_that_wait_for_the_database_take_so_much_room_and_no_more(
    tmp_path, postgres
):
    done = []
    recorder = recorder_of(tmp_path, postgres, InHand(), done, room=len(b"jpeg"))
    postgres.execute("ALTER TABLE posture_log RENAME TO away")
    try:
        recorder.start()
        recorder.put(result("a.jpg"))
        assert recorder.has_room(0)
        recorder.put(result("b.jpg"))
        assert not recorder.has_room(0.3)
    finally:
        postgres.execute("ALTER TABLE away RENAME TO posture_log")
    assert recorder.has_room(30)
    recorder.finish(10)
    assert sorted(row["filename"] for row in postgres.rows()) == ["a.jpg", "b.jpg"]
