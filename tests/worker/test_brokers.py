"""What the worker says about a broker that would drop pictures."""

import json

import pytest
import requests

from tests.fixtures.listener import kept, listening
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.worker import ForkedWorker
from tests.worker.conftest import GOOD, payload


def probed(tmp_path, extra: str) -> ForkedWorker:
    with running_mosquitto(tmp_path / "broker", extra) as broker:
        command = ForkedWorker(tmp_path / "probe", broker.environ, "probe")
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


def test_a_broker_without_retained_messages_is_found_by_the_probe(tmp_path):
    command = probed(tmp_path, "retain_available false\nmax_packet_size 20000000")
    assert command.wait() == 0
    assert "keeps no retained messages, so results reach only" in command.log


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_an_access_list_can_allow_the_probe(tmp_path, version):
    (tmp_path / "acl").write_text("topic readwrite posture-probe/#\n")
    extra = f"acl_file {tmp_path}/acl\nmax_packet_size 20000000"
    with running_mosquitto(tmp_path / "broker", extra) as broker:
        environ = broker.environ | {"MQTT_VERSION": version}
        command = ForkedWorker(tmp_path / "probe", environ, "probe")
        assert command.wait() == 0, command.log
        assert "retained" not in command.log


def test_a_packet_limit_is_said_at_the_start(tmp_path, postgres):
    extra = "max_packet_size 2000000"
    with running_mosquitto(tmp_path / "broker", extra) as broker:
        worker = ForkedWorker(tmp_path / "worker", broker.environ | postgres.environ)
        try:
            worker.wait_ready()
            worker.wait_for("takes no packet above 2000000 bytes")
        finally:
            worker.end()


def test_a_broker_that_has_lost_the_session_is_said(broker, start_worker):
    worker = start_worker(THREADS="1")
    assert "has lost our session" not in worker.log
    broker.stop()
    (broker.folder / "mosquitto.db").unlink()
    broker.start()
    worker.wait_for("the broker has lost our session")


def test_a_lost_session_is_told_to_who_watches(broker, start_worker):
    port = free_port()
    worker = start_worker(
        THREADS="1", METRICS_PORT=str(port), PUBLISH_RESULTS="true", MODEL="lite"
    )
    broker.stop()
    (broker.folder / "mosquitto.db").unlink()
    broker.start()
    worker.wait_for("the broker has lost our session")
    topic = "posture/workers/posture-analyzer/session"
    wait_until(lambda: kept(broker.port, topic), "it is told over MQTT", 60)
    assert json.loads(kept(broker.port, topic)[topic])["lost"] == 1
    status, said = asked(port, "/healthz")
    assert (status, "lost our session" in said) == (503, True)
    assert "posture_worker_sessions_lost_total 1.0" in asked(port, "/metrics")[1]


def asked(port: int, path: str) -> tuple[int, str]:
    """Status and text of an answer."""
    answer = requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)
    return answer.status_code, answer.text


def test_a_packet_limit_of_mqtt_311_is_found_by_the_probe(tmp_path):
    with running_mosquitto(tmp_path / "broker", "max_packet_size 2000000") as broker:
        environ = broker.environ | {"MQTT_VERSION": "3.1.1"}
        command = ForkedWorker(tmp_path / "probe", environ, "probe")
        assert command.wait(90) == 1
    assert "takes no packet so large, it seems" in command.log


def test_pictures_of_a_broker_with_qos_0_alone_are_recorded_and_it_is_said(
    tmp_path, postgres, wait_for_rows
):
    with running_mosquitto(tmp_path / "broker", "max_qos 0") as broker:
        environ = broker.environ | postgres.environ | {"PUBLISH_RESULTS": "true"}
        worker = ForkedWorker(tmp_path / "worker", environ | {"THREADS": "1"})
        try:
            worker.wait_ready()
            with listening(broker.port, "posture/#") as listener:
                broker.publish("images/pi1", payload(GOOD), qos=0)
                wait_for_rows(postgres, 1)
                listener.wait_for("posture/pi1/status")
        finally:
            worker.end()
    assert "takes nothing but QoS 0" in worker.log
    assert "results are not published" not in worker.log
