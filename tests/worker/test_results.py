"""What the worker publishes of each picture, on a real broker and database."""

import json
import signal
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from posture.results.payload import document
from posture.results.publish import Results, forget_results
from posture.results.settings import ResultSettings
from posture.store.row import Row
from tests.fixtures.broker import broker_settings
from tests.fixtures.listener import kept, listening
from tests.fixtures.mosquitto import dynamic_security, running_mosquitto
from tests.fixtures.net import wait_until
from tests.fixtures.proxy import running_proxy
from tests.fixtures.settings import read_settings
from tests.fixtures.worker import ROOT, ForkedWorker
from tests.worker.conftest import GOOD, WORKING, payload

STATUS = "posture/pi1/status"
AVAILABILITY = "posture/workers/{}/availability"
NOW = datetime.now(UTC).replace(tzinfo=None)


def row(seconds: float = 0, pi: str = "pi1", name: str = "a.jpg") -> Row:
    """A row that was received so many seconds from the start of the tests."""
    time = NOW + timedelta(seconds=seconds)
    return Row(pi, name, time, time, 30, 10, "Good", True, "node")


@pytest.fixture
def results(broker):
    """Makes publishers beside the workers' own; ends them."""
    made = []

    def make(name="one", port=broker.port, working=WORKING, **settings):
        settings = read_settings(ResultSettings, publish="true", **settings)
        publisher = Results(broker_settings(port), settings, name)
        made.append(publisher)
        publisher.start(working)
        return publisher

    yield make
    for publisher in made:
        publisher.finish(5)


def times(broker) -> str:
    """The time in the document that the broker keeps."""
    found = kept(broker.port, STATUS).get(STATUS)
    return json.loads(found)["received_time"] if found else ""


def holds(broker, wanted: Row) -> None:
    wait_until(
        lambda: kept(broker.port, STATUS).get(STATUS) == document(wanted).payload,
        f"the broker keeps the document of {wanted.filename}",
        step=0.1,
    )


def test_the_document_is_the_row(broker, postgres, start_worker, wait_for_rows):
    with listening(broker.port, "posture/#") as listener:
        start_worker("--publish-results")
        broker.publish("images/pi1", payload(GOOD))
        (found,) = listener.wait_for(STATUS)
    (kept_row,) = wait_for_rows(postgres, 1)
    assert found.pop("schema") == 1
    assert found.pop("pi") == kept_row["pi_id"] == "pi1"
    assert found.pop("status") == kept_row["posture_status"] == "Good"
    for name in ("received_time", "analyzed_time"):
        text = found.pop(name)
        assert text.endswith("Z")
        assert datetime.fromisoformat(text) == datetime.fromisoformat(
            f"{kept_row[name]}+00:00"
        )
    assert found.pop("yaw") > 40  # degrees; the table has no column for it here
    told = {"reason": None, "rotate": None, "view": "side"}
    told |= {"neck_limit": None, "body_limit": None}
    assert found == told | {
        name: kept_row[name]
        for name in ("neck_angle", "body_angle", "processed_by", "filename")
    }


def test_the_documentation_shows_such_a_document():
    text = (ROOT / "docs" / "results-and-nudges.md").read_text()
    shown = json.loads(text.partition("```json\n")[2].partition("```")[0])
    real = json.loads(document(replace(row(), view="side", yaw=84)).payload)
    assert list(shown) == list(real)
    assert [type(each) for each in shown.values()] == [
        type(each) for each in real.values()
    ]


def test_what_was_not_measured_is_null(broker, postgres, start_worker):
    start_worker("--publish-results")
    with listening(broker.port, STATUS) as listener:
        broker.publish("images/pi1", payload("empty_1280_006"))
        (found,) = listener.wait_for(STATUS)
    assert found["status"] == "No_Landmarks_Detected"
    assert found["neck_angle"] is None
    assert found["body_angle"] is None


def test_nothing_is_published_unless_asked_for(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker()
    broker.publish("images/pi1", payload(GOOD))
    wait_for_rows(postgres, 1)
    assert worker.stop() == 0
    assert kept(broker.port, "posture/#") == {}


def test_a_new_subscriber_gets_the_newest_result_at_once(broker, results):
    results().offer([row(2, name="b.jpg"), row(1)])
    holds(broker, row(2, name="b.jpg"))


def test_a_worker_says_online_and_offline(broker, postgres, start_worker):
    topic = AVAILABILITY.format("posture-analyzer")
    with listening(broker.port, topic) as listener:
        worker = start_worker("--publish-results")
        wait_until(lambda: listener.payloads(topic) == [b"online"], "online")
        assert worker.stop() == 0
        wait_until(lambda: listener.payloads(topic)[1:] == [b"offline"], "offline")
        assert kept(broker.port, topic) == {topic: b"offline"}


def test_the_broker_says_offline_for_a_worker_that_was_killed(
    broker, postgres, start_worker
):
    topic = AVAILABILITY.format("posture-analyzer")
    with listening(broker.port, topic) as listener:
        worker = start_worker("--publish-results")
        wait_until(lambda: listener.payloads(topic) == [b"online"], "online")
        worker.signal(signal.SIGKILL)
        wait_until(lambda: listener.payloads(topic)[1:] == [b"offline"], "offline")


def test_it_is_connected_only_while_pictures_come(broker, results):
    topic = AVAILABILITY.format("one")
    working = threading.Event()
    with listening(broker.port, topic) as listener:
        publisher = results(working=working)
        publisher.offer([row(0)])
        for count, state in enumerate((b"online", b"offline", b"online")):
            (working.clear if state == b"offline" else working.set)()
            wait_until(lambda at=count: len(listener.payloads(topic)) > at, state)
            assert listener.payloads(topic)[-1] == state
        holds(broker, row(0))


def test_an_older_row_of_another_worker_does_not_stay(broker, results):
    one, other = results("one"), results("other")
    one.offer([row(5, name="new.jpg")])
    holds(broker, row(5, name="new.jpg"))
    other.offer([row(1, name="old.jpg")])
    other.offer([row(0, pi="pi2")])
    wait_until(lambda: kept(broker.port, "posture/pi2/status"), "pi2 is told")
    holds(broker, row(5, name="new.jpg"))


def test_an_older_document_that_came_past_everybody_is_replaced(broker, results):
    results().offer([row(5, name="new.jpg")])
    holds(broker, row(5, name="new.jpg"))
    broker.publish(STATUS, document(row(1)).payload, retain=True)
    holds(broker, row(5, name="new.jpg"))


def test_a_new_worker_does_not_put_an_older_row_over_what_is_kept(broker, results):
    broker.publish(STATUS, document(row(5, name="new.jpg")).payload, retain=True)
    with listening(broker.port, STATUS) as listener:
        results().offer([row(1), row(0, pi="pi2")])
        wait_until(lambda: kept(broker.port, "posture/pi2/status"), "pi2 is told")
        assert listener.payloads(STATUS) == [document(row(5, name="new.jpg")).payload]


@pytest.mark.parametrize(
    "strange",
    [b"no JSON", b"[" * 4000, b'{"schema": 1}', b"{}" * 4000, b"\xff", b"null"],
    ids=repr,
)
def test_what_is_no_document_is_replaced(broker, results, strange):
    broker.publish(STATUS, strange, retain=True)
    results().offer([row(1)])
    holds(broker, row(1))


def test_a_document_from_the_future_is_replaced(broker, results):
    broker.publish(STATUS, document(row(86400)).payload, retain=True)
    results().offer([row(1)])
    holds(broker, row(1))


def test_a_backlog_is_told_once_for_each_camera(broker, results):
    with listening(broker.port, "posture/+/status") as listener:
        publisher = results()
        for second in range(50):
            publisher.offer([row(second - 60, name=f"{second}.jpg")])
        holds(broker, row(-11, name="49.jpg"))
        assert len(listener.payloads(STATUS)) <= 3


def test_a_broker_that_is_away_or_silent_delays_nothing(broker, results):
    with running_proxy(broker.port) as line:
        publisher = results(port=line.port)
        publisher.offer([row(0, name="first.jpg")])
        holds(broker, row(0, name="first.jpg"))
        line.mode = "swallow"
        begun = time.monotonic()
        for second in range(2000):
            publisher.offer([row(second / 1000, pi=f"pi{second % 1500}")])
        assert time.monotonic() - begun < 5
        line.mode = "pass"
        line.cut()
        wait_until(
            lambda: kept(broker.port, "posture/pi499/status"), "told later", step=0.1
        )


def test_what_the_broker_forbids_stops_no_picture(tmp_path, postgres, wait_for_rows):
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite images/#\n")
    with running_mosquitto(tmp_path / "strict", f"acl_file {rules}") as broker:
        environ = broker.environ | postgres.environ
        worker = ForkedWorker(tmp_path / "worker", environ, "--publish-results")
        try:
            worker.wait_ready()
            broker.publish("images/pi1", payload(GOOD), payload(GOOD))
            wait_for_rows(postgres, 2)
            assert worker.stop() == 0
        finally:
            worker.end()


def test_a_broker_that_returns_gets_what_is_newest(broker, results):
    publisher = results()
    publisher.offer([row(0)])
    holds(broker, row(0))
    broker.stop()
    publisher.offer([row(1, name="b.jpg")])
    publisher.offer([row(2, name="c.jpg")])
    broker.start()
    holds(broker, row(2, name="c.jpg"))


def test_a_broker_that_keeps_results_back_is_named(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("posture.results.publish._ANSWER", 1.0)
    folder = tmp_path / "other"
    folder.mkdir()
    rules = dynamic_security(folder, "publishClientReceive")
    with running_mosquitto(folder, rules) as broker:
        settings = read_settings(ResultSettings, publish="true")
        publisher = Results(broker_settings(broker.port), settings, "one")
        publisher.start(WORKING)
        wait_until(
            lambda: "allow this user to read and write it" in caplog.text, "is said"
        )
        publisher.finish(1)


def test_a_forgotten_camera_is_gone_from_broker_and_worker(broker, results):
    publisher = results(discovery="homeassistant")
    publisher.offer([row(1), row(1, pi="pi2")])
    holds(broker, row(1))
    wait_until(lambda: kept(broker.port, "posture/pi2/status"), "pi2 is told")
    settings = read_settings(ResultSettings, publish="true", discovery="homeassistant")
    # Nine descriptions, the newest result, and how today is.
    assert forget_results(broker_settings(broker.port), settings, "pi1") == 11
    publisher.offer([row(2, pi="pi2")])
    wait_until(
        lambda: (
            kept(broker.port, "posture/pi2/status")
            == {"posture/pi2/status": document(row(2, pi="pi2")).payload}
        ),
        "pi2 is told again",
    )
    left = kept(broker.port, "posture/+/status", "homeassistant/#")
    assert not [topic for topic in left if "pi1" in topic]
    assert len([topic for topic in left if "pi2" in topic]) == 1 + 7
    publisher.offer([row(3)])
    wait_until(
        lambda: len(kept(broker.port, "posture/pi1/status", "homeassistant/#")) == 15,
        "a later picture brings it back, with its descriptions",
    )


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_results_are_published_by_a_broker_that_retains_nothing(
    tmp_path, postgres, version, wait_for_rows
):
    with running_mosquitto(tmp_path / "b", "retain_available false") as broker:
        environ = broker.environ | postgres.environ
        environ |= {"MQTT_VERSION": version, "HOME_ASSISTANT_DISCOVERY": "ha"}
        with listening(broker.port, "posture/#", "ha/#") as listener:
            worker = ForkedWorker(
                tmp_path / "worker", environ, "--publish-results", "--threads", "1"
            )
            try:
                worker.wait_ready()
                broker.publish("images/pi1", payload(GOOD))
                listener.wait_for(STATUS)
                config = "ha/sensor/posture_pi1/status/config"
                wait_until(lambda: listener.payloads(config), "the description")
                # Home Assistant starts anew, and has nothing.
                before = len(listener.payloads(STATUS))
                broker.publish("ha/status", b"online")
                wait_until(
                    lambda: (
                        len(listener.payloads(config)) > 1
                        and len(listener.payloads(STATUS)) > before
                    ),
                    "description and result again",
                )
            finally:
                worker.end()
    assert worker.log.count("the broker keeps no retained messages") == 1
