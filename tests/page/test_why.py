"""Why nothing is coming: each real part is stopped, and the right one is named."""

import re
import signal
import threading
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.fixtures.mosquitto import dynamic_security, running_mosquitto
from tests.fixtures.net import wait_until
from tests.fixtures.page import IMAGES

_NAMED = 60  # seconds within which the broken link has its name
_PICTURE = (IMAGES / "good_1280_000.jpg").read_bytes()


class Camera:
    """Sends a picture a second while it is on, whatever becomes of it."""

    def __init__(self, broker):
        self._broker = broker
        self._off = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self):
        while not self._off.wait(1):
            try:
                self._broker.publish("images/desk", _PICTURE, qos=0)
            except (OSError, TimeoutError, AssertionError):
                continue

    def stop(self):
        self._off.set()
        self._thread.join(60)


@contextmanager
def sending(broker):
    camera = Camera(broker)
    try:
        yield camera
    finally:
        camera.stop()


@pytest.fixture
def office(broker, own_postgres, start_worker, start_page):
    """A page, a worker and a camera at work."""
    worker = start_worker()
    page = start_page(**broker.environ)
    with sending(broker) as camera:
        wait_until(
            lambda: own_postgres.execute("SELECT count(*) FROM posture_log")[0][0] > 2,
            "rows come",
            60,
        )
        yield page, worker, camera


def names(page, words):
    return words in page.get("/why")[2]


def test_a_broker_that_is_stopped_is_named(office, broker, open_tab):
    page, _, _ = office
    assert "Nothing is known to be broken" in page.get("/why")[2]
    tab = open_tab(page, "/system")
    broker.stop()
    box = tab.locator(".why")
    expect(box).to_contain_text(
        "The broker, which passes pictures on, does not answer.", timeout=60_000
    )
    expect(box.locator("[aria-current=step]")).to_contain_text("Broker")
    expect(box).to_contain_text("MQTT_HOST")
    tab.check_accessible()
    tab.keep("why-broker")
    broker.start()
    expect(box).to_contain_text("Nothing is known to be broken", timeout=60_000)


def test_a_broker_that_is_frozen_is_named(office, broker):
    page, _, _ = office
    broker._process.send_signal(signal.SIGSTOP)
    try:
        wait_until(
            lambda: names(page, "passes pictures on, does not answer"),
            "the broker is named",
            _NAMED,
        )
    finally:
        broker._process.send_signal(signal.SIGCONT)


def test_a_worker_that_is_gone_or_frozen_is_named(office):
    page, worker, _ = office
    assert page.get("/healthz")[0] == 200
    for number in (signal.SIGSTOP, signal.SIGKILL):
        worker.signal(number)
        wait_until(
            lambda: names(page, "Pictures come, and no worker analyzes them."),
            f"the worker is named after {number.name}",
            _NAMED,
        )
        assert names(page, "Worker last seen (test-node): ")
        assert page.get("/healthz")[:1] + page.get("/healthz")[2:] == (
            503,
            "Pictures come, and no worker analyzes them.\n",
        )
        if number == signal.SIGSTOP:
            worker.signal(signal.SIGCONT)
            fine = "Nothing is known to be broken"
            wait_until(lambda words=fine: names(page, words), "it goes on", 60)
            assert page.get("/healthz")[0] == 200


def test_a_database_that_is_stopped_is_named_in_plain_words(office, own_postgres):
    page, _, _ = office
    own_postgres.stop()
    wait_until(
        lambda: names(page, "The database, which keeps the results, does not answer."),
        "the database is named",
        _NAMED,
    )
    assert page.get("/healthz")[2] == "The database does not answer.\n"
    status, _, text = page.get("/table")
    assert status == 503
    for shown in (text, page.get("/why")[2]):
        assert "onnection refused" not in shown
        assert not re.search(rf"\b{own_postgres.port}\b", shown)
    assert "onnection refused" in page.log


def test_cameras_that_stopped_are_named_and_health_stays(office):
    page, _, camera = office
    camera.stop()
    wait_until(
        lambda: names(page, "No camera sends pictures any more."),
        "the cameras are named",
        _NAMED,
    )
    assert names(page, "not paused")
    assert page.get("/healthz")[0] == 200  # an evening is no fault


def test_a_page_without_a_picture_says_that_no_camera_has_sent_one(
    broker, start_page, open_tab, postgres
):
    tab = open_tab(start_page(**broker.environ))
    box = tab.locator(".why")
    expect(box).to_contain_text("No camera has sent a picture yet.", timeout=60_000)
    tab.check_accessible()
    tab.keep("why-empty")
    broker.stop()
    expect(box).to_contain_text("passes pictures on, does not answer", timeout=60_000)


def test_an_office_without_figures_says_why_nothing_comes(start_page, open_tab, rows):
    page = start_page(PAGE_HOME="office")  # no broker is there
    words = "passes pictures on, does not answer"
    wait_until(lambda: words in page.get("/")[2], "the broker is named", 60, 0.5)
    tab = open_tab(page, "/")
    expect(tab.locator(".why")).to_contain_text(words)
    tab.check_accessible()


def test_a_worker_that_refuses_everything_is_told_from_one_that_is_gone(
    broker, start_page, start_worker, postgres, tmp_path
):
    worker = start_worker()
    page = start_page(**broker.environ, QUARANTINE_FOLDER=str(worker.quarantine))

    def refuses():
        broker.publish("images/desk", b"no picture", qos=0)
        return names(page, "the worker refuses them")

    wait_until(refuses, "that they are refused is told", 90, 1)


def test_a_page_that_may_not_read_pictures_blames_no_camera(
    tmp_path, start_page, postgres
):
    (tmp_path / "strict").mkdir()
    extra = dynamic_security(tmp_path / "strict", "subscribe")
    with running_mosquitto(tmp_path / "strict", extra) as broker:
        page = start_page(**broker.environ)
        wait_until(lambda: "may not read images/#" in page.log, "it is refused", 30)
        assert names(page, "Nothing is known to be broken")
