"""When only a new worker would move again (/livez), and when nothing is analyzed."""

from contextlib import closing
from pathlib import Path

import pytest
import urllib3

from common.signals import Stop
from common.status_port import StatusPort
from posture.mqtt.message import Message
from posture.settings import WorkerSettings
from posture.store.posture_log import PostureLog
from posture.worker.isolation import Guarded
from posture.worker.metrics import Telemetry
from posture.worker.trackers import Trackers
from posture.worker.worker import Worker
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.settings import settings_from


@pytest.fixture
def told():
    """A worker that has no analyst, and what its metrics port answers."""
    environ = {"SUPABASE_HOST": "x", "SUPABASE_DB": "x", "SUPABASE_USER": "x"}
    environ |= {"SUPABASE_PASSWORD": "x", "PICTURE_DEADLINE": "3", "STOP_GRACE": "1"}
    settings = settings_from(WorkerSettings, environ)
    telemetry = Telemetry("node", "full")
    guarded = Guarded(settings, Path("model"))
    table = PostureLog(settings.database)
    trackers = Trackers(0, lambda: pytest.fail("nobody is followed"))
    worker = Worker(
        settings, guarded, [], trackers, table, lambda: None, Stop(), events=telemetry
    )
    port = free_port()
    with closing(
        StatusPort(
            "127.0.0.1",
            port,
            telemetry.registry,
            telemetry.trouble,
            standstill=telemetry.standstill,
        )
    ):
        yield worker, f"http://127.0.0.1:{port}/livez"


def ask(url):
    answer = urllib3.request("GET", url, retries=False)
    return answer.status, answer.data.decode()


def test_a_worker_with_nothing_to_do_lives(told):
    _, url = told
    assert ask(url) == (200, "ok\n")


def test_pictures_that_wait_while_no_analyst_moves_are_a_standstill(told):
    worker, url = told
    worker.intake.take(Message(1, 1, 1, 1, "images/desk", b"picture"))
    assert ask(url)[0] == 200
    wait_until(lambda: ask(url)[0] == 503, "the standstill is seen")
    assert "pictures wait and no analyst has moved" in ask(url)[1]


def test_a_picture_that_does_not_end_is_a_standstill_when_nobody_ends_it(told):
    worker, url = told
    with worker._guarded._clocked():
        assert ask(url)[0] == 200
        wait_until(lambda: ask(url)[0] == 503, "the standstill is seen")
        assert "a picture has been analyzed for" in ask(url)[1]
    assert ask(url)[0] == 200


def test_health_is_lost_while_pictures_wait_and_none_is_analyzed(told):
    worker, url = told
    health = url.replace("livez", "healthz")
    assert ask(health) == (200, "ok\n")
    messages = [Message(n, 1, 1, 1, "images/desk", b"picture") for n in (1, 2)]
    for each in messages:
        worker.intake.take(each)
    assert ask(health)[0] == 200  # they may take a while
    wait_until(lambda: ask(health)[0] == 503, "that nothing is analyzed is seen")
    assert "2 pictures wait, and none has been analyzed" in ask(health)[1]
    worker.intake.done(messages[0])  # slow, but it moves
    assert ask(health)[0] == 200
    worker.intake.done(messages[1])
    assert ask(health)[0] == 200
