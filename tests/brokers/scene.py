"""A worker and its table on one of the brokers, and what happens to them."""

import base64
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np

from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.publisher import Publisher
from posture.mqtt.probe import probe
from posture.mqtt.sessions import declare
from posture.settings import SessionSettings
from tests.brokers.servers.server import Server, running
from tests.fixtures.net import wait_until
from tests.fixtures.postgres import Postgres
from tests.fixtures.proxy import Proxy, running_proxy
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ForkedWorker

PICTURES = 60
_LATE = 50.0  # seconds; NATS delivers again after 30


def picture(number: int) -> bytes:
    """A small picture that no other number has."""
    shade = np.full((36, 64, 3), number % 200, np.uint8)
    shade[:4, : 1 + number % 60] = 255
    file = cv2.imencode(".jpg", shade)[1].tobytes()
    return base64.b64encode(file + b"\0" * 8 + number.to_bytes(4, "big"))


def verdict(broker: BrokerSettings) -> str:
    """What the probe says, for or against it."""
    try:
        return probe(broker)
    except OperatorError as error:
        return str(error)


class Scene:
    """One broker, one table, workers one after another."""

    def __init__(
        self, server: Server, postgres: Postgres, folder: Path, session: str = ""
    ) -> None:
        """On a broker of its own, or in a `session` on one that others have too."""
        self.server = server
        self._own = {"MQTT_CLIENT_ID": session} if session else {}
        self.postgres = postgres
        self.folder = folder
        self.accepted = 0
        self.workers: list[ForkedWorker] = []

    @property
    def settings(self) -> SessionSettings:
        return settings_from(SessionSettings, self.environ)

    @property
    def environ(self) -> dict[str, str]:
        """The worker's settings for this broker and session."""
        return self.server.environ | self._own

    def declare(self) -> None:
        declare(self.settings, 60)

    def publish(self, count: int = PICTURES) -> None:
        with Publisher(self.settings.broker, 60) as camera:
            for number in range(self.accepted, self.accepted + count):
                camera.send("images/pi1", picture(number))
            camera.finish()
        self.accepted += count

    def work(self, **environ: str) -> ForkedWorker:
        settings = self.environ | self.postgres.environ
        worker = ForkedWorker(
            self.folder / "worker", settings | {"THREADS": "1"} | environ
        )
        self.workers.append(worker)
        return worker

    def rows(self) -> int:
        return len(self.postgres.rows())

    def wait_for_rows(self, count: int) -> None:
        wait_until(lambda: self.rows() >= count, f"{count} rows", 120, 0.05)

    def _wait_for_the_last(self) -> None:
        before = -1
        while self.rows() > before:
            before = self.rows()
            time.sleep(2)

    def counted(self) -> tuple[int, int]:
        """How many are lost and how many doubled, once nothing comes any more."""
        if all(worker.process.poll() is not None for worker in self.workers):
            self.work().wait_for("ready: ", 60)
        until = time.monotonic() + _LATE
        with suppress(AssertionError):
            self.wait_for_rows(self.accepted)
        quiet = 3.0
        if type(self.server).late:
            quiet = max(quiet, until - time.monotonic())
        time.sleep(quiet)
        names = [row["filename"] for row in self.postgres.rows()]
        return max(0, self.accepted - len(names)), max(0, len(names) - self.accepted)

    # What happens

    def kill_the_worker(self) -> None:
        self.declare()
        self.publish()
        worker = self.work()
        self.wait_for_rows(20)
        worker.signal(signal.SIGKILL)
        worker.wait()

    def cut_the_line(self) -> None:
        """At a backlog, again and again."""
        self.declare()
        self.publish()
        with self._through_proxy() as proxy:
            for count in (10, 30, 50):
                self.wait_for_rows(count)
                proxy.cut()
            self.wait_for_rows(self.accepted)
            self._end()

    def lose_acknowledgements(self) -> None:
        self.declare()
        with self._through_proxy() as proxy:
            self.publish(30)
            self.wait_for_rows(20)
            proxy.mode = "swallow"
            self._wait_for_the_last()  # RabbitMQ gives ten until they are acknowledged
            proxy.mode = "pass"
            proxy.cut()
            self.wait_for_rows(self.accepted)
            self.publish(10)
            self.wait_for_rows(self.accepted)
            self._end()

    def restart_the_broker(self) -> None:
        self.declare()
        self.publish()
        time.sleep(2)  # its saving interval
        self.server.stop()
        self.server.start()

    def be_away(self) -> None:
        self.declare()
        self.publish()

    def look_beside_a_start(self) -> None:
        """`status` while a worker starts, which has no session yet."""
        looking = ForkedWorker(self.folder / "look", self.environ, "status")
        worker = self.work()
        worker.wait_for("ready: ", 60)
        looking.wait(60)
        wait_until(lambda: self._ready_again(worker), "it is subscribed", 60)
        self.publish()

    def _ready_again(self, worker: ForkedWorker) -> bool:
        lost = worker.log.count("connection to the broker lost")
        return not lost or time.monotonic() - self._since(worker) > 8

    def _since(self, worker: ForkedWorker) -> float:
        if not hasattr(worker, "since"):
            worker.since = time.monotonic()  # type: ignore[attr-defined]
        return worker.since  # type: ignore[attr-defined, no-any-return]

    @contextmanager
    def _through_proxy(self) -> Iterator[Proxy]:
        with running_proxy(self.server.port) as proxy:
            self.work(MQTT_PORT=str(proxy.port)).wait_for("ready: ", 60)
            yield proxy

    def _end(self) -> None:
        self.workers[-1].stop()

    def close(self) -> None:
        for worker in self.workers:
            worker.end()


STEPS = {
    "offline": Scene.be_away,
    "restart": Scene.restart_the_broker,
    "cut line": Scene.cut_the_line,
    "kill -9": Scene.kill_the_worker,
    "lost acknowledgements": Scene.lose_acknowledgements,
    "status beside a start": Scene.look_beside_a_start,
}


@contextmanager
def playing(kind: type[Server], postgres: Postgres, folder: Path) -> Iterator[Scene]:
    """A scene on a broker of its own, with an empty table."""
    with (
        running(kind, folder / "broker") as server,
        playing_on(server, postgres, folder) as scene,
    ):
        yield scene


@contextmanager
def playing_on(
    server: Server, postgres: Postgres, folder: Path, session: str = ""
) -> Iterator[Scene]:
    """A scene on a running broker, with an empty table."""
    postgres.execute("TRUNCATE posture_log RESTART IDENTITY")
    scene = Scene(server, postgres, folder, session)
    try:
        yield scene
    finally:
        scene.close()
