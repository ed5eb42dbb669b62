"""What the worker says about a broker that would drop pictures."""

import pytest

from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.worker import WorkerProcess


def probed(tmp_path, extra: str) -> WorkerProcess:
    with running_mosquitto(tmp_path / "broker", extra) as broker:
        command = WorkerProcess(tmp_path / "probe", broker.environ, "probe")
        command.wait()
        return command


def test_a_broker_that_keeps_everything_passes_the_probe(tmp_path):
    command = probed(tmp_path, "max_packet_size 20000000")
    assert command.wait() == 0
    assert "keeps at least 1200 messages" in command.log


@pytest.mark.parametrize(
    ("extra", "remedy"),
    [
        ("max_queued_messages 1000", "on Mosquitto set max_queued_messages 1000000"),
        ("max_packet_size 2000000", "Mosquitto: max_packet_size 20000000"),
    ],
    ids=["queue limit", "packet limit"],
)
def test_a_broker_that_drops_is_found_by_the_probe(tmp_path, extra, remedy):
    command = probed(tmp_path, extra)
    assert command.wait() == 1
    assert remedy in command.log


def test_a_packet_limit_is_said_at_the_start(tmp_path, postgres):
    extra = "max_packet_size 2000000"
    with running_mosquitto(tmp_path / "broker", extra) as broker:
        worker = WorkerProcess(tmp_path / "worker", broker.environ | postgres.environ)
        try:
            worker.wait_ready()
            assert "takes no packet above 2000000 bytes" in worker.log
        finally:
            worker.end()


def test_a_broker_that_has_lost_the_session_is_said(broker, start_worker):
    worker = start_worker(THREADS="1")
    assert "has lost our session" not in worker.log
    broker.stop()
    (broker.folder / "mosquitto.db").unlink()
    broker.start()
    worker.wait_for("the broker has lost our session")
