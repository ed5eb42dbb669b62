"""A real Prometheus that scrapes the real worker, page, and what placement tells."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from common.status_port import StatusPort
from placement.decision import Candidate, Decision, Memory, Reason
from placement.metrics import Report
from scaler.metrics import MasterTelemetry, ScalerTelemetry
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.page import ForkedPage
from tests.fixtures.prometheus import Exporter, PrometheusServer
from tests.fixtures.scrape import wait_told
from tests.fixtures.worker import ForkedWorker
from tests.monitoring import keda
from tests.worker.conftest import payload

SHOWN = ("good_1280_000", "slouch_1280_002", "empty_1280_006")
STATUSES = ("Good", "Bad", "No_Landmarks_Detected")


@pytest.fixture(scope="module")
def scraped(_postgres, tmp_path_factory) -> Iterator[PrometheusServer]:
    """Everything that a dashboard may ask for, scraped while pictures come."""
    folder = tmp_path_factory.mktemp("monitoring")
    _postgres.execute("TRUNCATE posture_log RESTART IDENTITY")
    with ExitStack() as stack:
        broker = stack.enter_context(running_mosquitto(folder / "broker"))
        worker = _worker(folder, broker.environ | _postgres.environ)
        stack.callback(worker.end)
        page = ForkedPage(folder, broker.environ | _postgres.environ)
        stack.callback(page.stop)
        page.wait_ready()
        server = PrometheusServer(folder / "prometheus", scrape=1.0)
        for job, port in {
            "posture-worker": worker.port,
            "posture-page": page.port,
            "posture-watcher": stack.enter_context(closing(_watcher())).port,
            "posture-scaler": stack.enter_context(closing(_scaler())).port,
            "keda-operator": stack.enter_context(_keda()).port,
        }.items():
            server.scrape(SimpleNamespace(target=f"127.0.0.1:{port}"), job=job)
        server.start()
        stack.callback(server.stop)
        _send_pictures(broker, page, server)
        yield server


def _worker(folder: Path, environ: dict[str, str]) -> ForkedWorker:
    port = free_port()
    worker = ForkedWorker(folder, environ | {"METRICS_PORT": str(port)})
    worker.port = port
    worker.wait_ready()
    return worker


def _watcher() -> StatusPort:
    """The watcher's own report, after what can happen to a watcher."""
    report = Report()
    report.decision = Decision(
        "jetson2",
        "jetson2",
        12.0,
        Reason("the least load"),
        (
            Candidate("jetson2", "jetson2", 12.0, 4.0, 0, None),
            Candidate("jetson1", "jetson1", 63.5, 7.0, 1, None),
            Candidate("master", "master", None, None, 0, Reason("no label gpu-node")),
        ),
        Memory(),
        0.0,
    )
    report.last_reading = 0.0
    report.looks.inc()
    report.patches.inc()
    report.skipped.labels("unchanged").inc()
    report.ended.labels("hand over").inc()
    report.errors.labels("prometheus").inc()
    return StatusPort("127.0.0.1", 0, report.registry, lambda: None)


def _scaler() -> StatusPort:
    """The scaler's own telemetry, after a call of KEDA."""
    telemetry = ScalerTelemetry()
    with telemetry.call("GetMetrics"):
        telemetry.answered(1, "waiting")
    MasterTelemetry(telemetry.registry).overloaded(False)
    telemetry.watch_age("loads", lambda: math.pi)
    return StatusPort("127.0.0.1", 0, telemetry.registry, lambda: None)


class _keda:  # noqa: N801 - used like a function
    def __enter__(self) -> Exporter:
        self._exporter = Exporter()
        self._exporter.tell(*keda.LINES)
        return self._exporter

    def __exit__(self, *_: object) -> None:
        self._exporter.stop()


def _send_pictures(broker, page: ForkedPage, server: PrometheusServer) -> None:
    """So that Prometheus has seen every counter grow."""
    told = f"http://127.0.0.1:{page.port}/metrics"
    broker.publish("images/desk", *map(payload, SHOWN))
    pictures = 'posture_camera_pictures_total{{pi="desk",status="{}"}}'
    wait_told(told, {pictures.format(status): 1 for status in STATUSES})
    query = 'min(count_over_time(posture_camera_neck_angle_degrees_sum{pi="desk"}[1m]))'
    wait_until(lambda: _at_least(server, query, 2), "two scrapes of the first", 30, 0.1)
    broker.publish("images/desk", *map(payload, SHOWN))
    wait_told(told, {pictures.format(status): 2 for status in STATUSES})
    grown = 'sum(increase(posture_camera_pictures_total{pi="desk"}[1m])) > bool 2'
    wait_until(lambda: _at_least(server, grown, 1), "the second is scraped", 30, 0.1)


def _at_least(server: PrometheusServer, query: str, value: float) -> bool:
    found = server.query(query)
    return bool(found) and float(found[0]["value"][1]) >= value
