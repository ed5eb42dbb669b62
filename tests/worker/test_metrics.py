"""What the worker tells Prometheus, and what it does not."""

import signal
import time

from posture.worker.events import Events
from posture.worker.metrics import Telemetry
from tests.fixtures.net import accepts, free_port
from tests.fixtures.scrape import scrape, wait_told
from tests.worker.conftest import GOOD, payload
from tests.worker.test_poison import POISONED, poison

W = "posture_worker_"
HOSTILE = ('a"} 1 posture_worker_evil{x="', "\u202e{}", "x" * 5000)


def start(start_worker, **environ):
    port = free_port()
    worker = start_worker(METRICS_PORT=str(port), **environ)
    return worker, f"http://127.0.0.1:{port}/metrics"


def test_what_became_of_the_pictures_is_told(broker, postgres, start_worker):
    begun = time.time()
    _, metrics = start(start_worker, NODE_NAME="jetson-1")
    broker.publish("images/desk", payload(GOOD), payload(GOOD), b"no picture")
    told = wait_told(
        metrics,
        {
            f'{W}pictures_total{{status="Good"}}': 2,
            f'{W}pictures_total{{status="Bad"}}': 0,
            f'{W}judged_total{{reason="none"}}': 2,
            f'{W}judged_total{{reason="hip_not_in_sight"}}': 0,
            f'{W}turned_total{{rotate="180"}}': 0,
            f'{W}refused_total{{kind="picture"}}': 1,
            f"{W}analysis_seconds_count": 2,
            f"{W}delay_seconds_count": 2,
            f"{W}unchanged_total": 0,
            f"{W}in_hand": 0,
            f"{W}in_hand_bytes": 0,
            f"{W}connected": 1,
            f'{W}info{{model="lite",node="jetson-1"}}': 1,
        },
    )
    ready, last = (
        told[f"{W}{each}_time_seconds"] for each in ("ready", "last_recorded")
    )
    assert begun < ready < last < time.time()
    assert told[f"{W}analysis_seconds_sum"] > 0
    assert 0 < told[f"{W}delay_seconds_sum"] < time.time() - begun


def test_a_database_that_is_away_is_told(broker, own_postgres, start_worker):
    worker, metrics = start(start_worker)
    own_postgres.stop()
    broker.publish("images/desk", payload(GOOD))
    worker.wait_for("trying again")
    told = scrape(metrics)
    assert told[f'{W}write_errors_total{{part="rows"}}'] >= 1
    assert told[f'{W}write_errors_total{{part="pictures"}}'] == 0
    assert told[f"{W}in_hand"] == 1
    assert told[f"{W}in_hand_bytes"] == len(payload(GOOD))
    assert told[f"{W}connected"] == 1


def test_a_broker_that_is_away_is_told(broker, postgres, start_worker):
    _, metrics = start(start_worker)
    assert scrape(metrics)[f"{W}connected"] == 1
    broker.stop()
    wait_told(metrics, {f"{W}connected": 0})


def test_a_row_that_the_database_refuses_is_told(broker, own_postgres, start_worker):
    own_postgres.execute(
        "ALTER TABLE posture_log ADD CHECK (pi_id <> 'unwanted') NOT VALID"
    )
    _, metrics = start(start_worker)
    broker.publish("images/unwanted", payload(GOOD))
    wait_told(metrics, {f'{W}refused_total{{kind="database"}}': 1, f"{W}in_hand": 0})


def test_a_picture_that_no_process_survives_is_told_as_poison(
    broker, postgres, start_worker
):
    first, _ = start(start_worker, **POISONED)
    broker.publish("images/desk", poison(b"SEGFAULT"))
    assert first.wait() < 0
    _, metrics = start(start_worker, **POISONED)
    wait_told(metrics, {f'{W}refused_total{{kind="poison"}}': 1, f"{W}in_hand": 0})


def test_everything_that_happens_is_counted():
    telemetry = Telemetry("node", "full")
    for name, method in vars(Events).items():
        if not name.startswith("_"):
            assert getattr(Telemetry, name) is not method
    kinds = ("picture", "poison", "database", "folder", "unexpected")
    for kind in kinds:
        telemetry.refused(kind)
    telemetry.repeated()
    value = telemetry.registry.get_sample_value
    assert all(value(f"{W}refused_total", {"kind": kind}) == 1 for kind in kinds)
    assert value(f"{W}repeated_total") == 1


def test_no_topic_makes_a_series(broker, postgres, start_worker):
    _, metrics = start(start_worker)
    before = scrape(metrics).keys()
    for name in HOSTILE:
        broker.publish(f"images/{name}", payload(GOOD))
    told = wait_told(metrics, {f'{W}pictures_total{{status="Good"}}': len(HOSTILE)})
    assert told.keys() == before


def test_a_port_that_is_taken_is_said(broker, postgres, start_worker):
    worker = start_worker(ready=False, METRICS_PORT=str(broker.port))
    assert worker.wait() == 1
    assert f"cannot open port {broker.port} on 127.0.0.1" in worker.log
    assert "METRICS_PORT" in worker.log


def test_without_a_port_nothing_is_loaded_for_it(
    broker, postgres, start_worker, tmp_path
):
    missing = tmp_path / "prometheus_client.py"
    missing.write_text("raise ImportError('not here')")
    start_worker(PYTHONPATH=str(tmp_path))
    told = start_worker(
        ready=False, METRICS_PORT=str(free_port()), PYTHONPATH=str(tmp_path)
    )
    assert told.wait() == 1  # so the worker without a port did not ask for it


def test_the_port_is_closed_in_the_end(broker, postgres, start_worker):
    worker, metrics = start(start_worker)
    scrape(metrics)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
    assert not accepts(int(metrics.split(":")[2].partition("/")[0]))
