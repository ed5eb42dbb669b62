"""Several workers: each picture is one worker's, and none is lost when N changes."""

import threading
import time

from tests.fixtures.net import wait_until
from tests.fixtures.worker import ForkedWorker
from tests.worker.conftest import ALL, assert_each_once, payload

PICTURES = [payload(ALL[n % len(ALL)]) for n in range(48)]
FEW = {"THREADS": "1"}


def run(tmp_path, broker, postgres, *flags: str) -> ForkedWorker:
    """A command of the script, to its end."""
    command = ForkedWorker(
        tmp_path / "worker", broker.environ | postgres.environ | FEW, *flags
    )
    command.wait(120)
    return command


def start(start_worker, slot: int, of: int) -> ForkedWorker:
    return start_worker(
        WORKERS=str(of), JOB_COMPLETION_INDEX=str(slot), NODE_NAME=f"n{slot}", **FEW
    )


def test_workers_share_the_pictures_and_each_gets_one_row(
    tmp_path, broker, postgres, start_worker, wait_for_rows
):
    assert run(tmp_path, broker, postgres, "declare", "--workers", "3").wait() == 0
    broker.publish("images/pi1", *PICTURES[:24])
    workers = [start(start_worker, slot, 3) for slot in range(3)]
    broker.publish("images/pi2", *PICTURES[24:])
    rows = wait_for_rows(postgres, 48)
    for worker in workers:
        assert worker.stop() == 0
    assert_each_once(postgres, workers[0].pictures, 48)
    assert {row["processed_by"] for row in rows} == {"n0", "n1", "n2"}


def test_what_is_a_missing_workers_waits_for_it(
    tmp_path, broker, postgres, start_worker, wait_for_rows
):
    run(tmp_path, broker, postgres, "declare", "--workers", "2")
    first = start(start_worker, 0, 2)
    broker.publish("images/pi1", *PICTURES)
    wait_until(lambda: postgres.rows(), "rows of the first worker")
    first.stop()
    state = run(tmp_path, broker, postgres, "status", "--workers", "2")
    assert state.wait() == 0
    start(start_worker, 0, 2)
    start(start_worker, 1, 2)
    wait_for_rows(postgres, 48)
    assert_each_once(postgres, first.pictures, 48)


def test_a_slot_that_was_never_declared_is_said(tmp_path, broker, postgres, capfd):
    run(tmp_path, broker, postgres, "declare", "--workers", "2")
    broker.publish("images/pi1", *PICTURES[:3])
    state = run(tmp_path, broker, postgres, "status", "--workers", "2")
    assert state.wait() == 0
    state = run(tmp_path, broker, postgres, "status", "--workers", "3")
    assert state.wait() == 1
    said = capfd.readouterr().out
    assert "posture-analyzer-0of2: at least 3 waiting" in said
    assert "posture-analyzer-1of3: not declared" in said
    # Looking has not made it.
    again = run(tmp_path, broker, postgres, "status", "--workers", "3")
    assert again.wait() == 1


def test_retire_works_off_the_session_of_every_worker(tmp_path, broker, postgres):
    # They share one stop: the end of the first one must not be that of the second.
    run(tmp_path, broker, postgres, "declare", "--workers", "2")
    topics = [f"images/pi{n}" for n in range(12)]
    for topic in topics:
        broker.publish(topic, PICTURES[0])
    retire = ("retire", "--workers", "2", "--exit-when-idle", "1")
    command = run(tmp_path, broker, postgres, *retire)
    assert command.wait() == 0, command.log
    assert "retired: 2" in command.log
    assert {f"images/{row['pi_id']}" for row in postgres.rows()} == {*topics}
    assert "not declared" in _status_of_the_old(tmp_path, broker, postgres)


def test_another_number_of_workers_loses_nothing_while_pictures_keep_coming(
    tmp_path, broker, postgres, start_worker, wait_for_rows
):
    run(tmp_path, broker, postgres, "declare", "--workers", "2")
    old = [start(start_worker, slot, 2) for slot in range(2)]
    published, ended = [], threading.Event()

    def publish() -> None:
        while not ended.is_set():
            topic = f"images/pi{len(published)}"
            broker.publish(topic, PICTURES[0])
            published.append(topic)
            time.sleep(0.2)  # what a busy machine still works off

    camera = threading.Thread(target=publish)
    camera.start()
    try:
        wait_for_rows(postgres, 5)
        for worker in old:
            worker.stop()
        retire = ("retire", "--workers", "2", "--successors", "3")
        command = run(tmp_path, broker, postgres, *retire, "--exit-when-idle", "2")
        assert command.wait() == 0, command.log
        for slot in range(3):
            start(start_worker, slot, 3)
        time.sleep(1)  # some more with the new ones at work
    finally:
        ended.set()
        camera.join()
    wanted = {topic.partition("/")[2] for topic in published}
    wait_until(
        lambda: {row["pi_id"] for row in postgres.rows()} >= wanted, "all of them", 60
    )
    # A picture published between the broker's two answers may have come to both.
    assert len(postgres.rows()) <= len(published) + 1
    assert "not declared" in _status_of_the_old(tmp_path, broker, postgres)


def _status_of_the_old(tmp_path, broker, postgres) -> str:
    state = run(tmp_path, broker, postgres, "status", "--workers", "2")
    return "not declared" if state.wait() == 1 else "declared"
