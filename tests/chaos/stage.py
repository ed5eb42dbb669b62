"""All parts of the system on one machine, each of which can be made to fail."""

import shutil
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.chaos.brokers import Broker, broker_of, cameras_of
from tests.chaos.disks import Disks, small_disks
from tests.fixtures.cameras import Cameras
from tests.fixtures.net import wait_until
from tests.fixtures.pgbouncer import PgBouncer, running_pgbouncer
from tests.fixtures.postgres import Postgres, running_postgres
from tests.fixtures.proxy import Proxy, running_proxy
from tests.fixtures.tally import count_rows, wait_recorded
from tests.fixtures.worker import ForkedWorker

BASE = "chaos"
_WORKER = {
    "THREADS": "1",
    "MEMORY_MB": "16",
    "MQTT_CLIENT_ID": BASE,
    "LOG_LEVEL": "debug",
    # Shorter than by default, so that a fault need not last for minutes.
    "MQTT_KEEPALIVE": "5",
    "SUPABASE_DEADLINE": "5",
}
_RECOVERY = 120.0  # seconds after which a worker counts as lost


@dataclass
class Stage:
    """The parts, and what is known about them."""

    folder: Path
    broker: Broker
    database: Postgres
    pooler: PgBouncer
    to_broker: Proxy
    to_database: Proxy
    cameras: Cameras
    pictures: Path
    clock: Path | None
    workers: int
    surroundings: dict[str, str]
    fleet: list[ForkedWorker] = field(default_factory=list)
    logs: list[list[ForkedWorker]] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    peak_mb: float = 0
    also_killed: bool = False
    slowest_return: float = 0  # seconds, of a worker to a broker that has come back
    ended: threading.Event = field(default_factory=threading.Event)
    disks: Disks = field(default_factory=Disks)

    def environ(self, index: int) -> dict[str, str]:
        environ = _WORKER | self.broker.environ | self.database.environ
        environ |= {
            "MQTT_PORT": str(self.to_broker.port),
            "SUPABASE_PORT": str(self.to_database.port),
            "PICTURES_FOLDER": str(self.pictures),
            "WORKERS": str(self.workers),
            "JOB_COMPLETION_INDEX": str(index),
            "NODE_NAME": f"worker-{index}",
        }
        return environ | self.surroundings

    def client_id(self, index: int) -> str:
        return f"{BASE}-{index}of{self.workers}" if self.workers > 1 else BASE

    def new_worker(self, index: int, *flags: str, **environ: str) -> ForkedWorker:
        folder = self.folder / f"worker-{index}"
        return ForkedWorker(folder, self.environ(index) | environ, *flags)

    def start_workers(self) -> None:
        declared = self.new_worker(0, "declare")
        assert declared.wait() == 0, declared.log
        for index in range(self.workers):
            self.fleet.append(self.new_worker(index))
            self.logs.append([self.fleet[index]])
        for worker in self.fleet:
            worker.wait_ready()

    def restart(self, index: int, number: int = signal.SIGKILL) -> None:
        """End a worker, and start it anew as a Job does."""
        worker = self.fleet[index]
        worker.signal(number)
        worker.signal(signal.SIGCONT)
        worker.wait(60)
        self.start(index)

    def start(self, index: int) -> None:
        self.fleet[index] = self.new_worker(index)
        self.logs[index].append(self.fleet[index])

    def watch(self) -> None:
        """Look at the memory of the workers while they run."""
        while not self.ended.wait(0.5):
            for worker in list(self.fleet):
                with suppress(psutil.Error):
                    size = psutil.Process(worker.process.pid).memory_info().rss
                    self.peak_mb = max(self.peak_mb, size / 1e6)

    def see_to_the_fallen(self) -> None:
        """Start what has ended by itself, and note it: nothing should."""
        for index, worker in enumerate(self.fleet):
            if (code := worker.process.poll()) is not None:
                self.unexpected.append(
                    f"worker {index} ended with {code}:\n{worker.log[-2000:]}"
                )
                self.start(index)

    # What the table says

    def last_id(self) -> int:
        return int(
            self.database.execute("SELECT coalesce(max(id), 0) FROM posture_log")[0][0]
        )

    def count(self, topics: set[str]) -> int:
        """Rows of these topics."""
        return count_rows(self.database, topics)

    def writers(self, topics: set[str]) -> int:
        """How many workers have written rows of these topics."""
        names = {topic.partition("/")[2] for topic in topics}
        listed = self.database.execute("SELECT pi_id, processed_by FROM posture_log")
        return len({worker for name, worker in listed if name in names})

    def recovery(self) -> float:
        """Seconds until every worker writes rows again."""
        begun, last = time.monotonic(), self.last_id()
        while time.monotonic() - begun < _RECOVERY:
            listed = self.database.execute(
                f"SELECT DISTINCT processed_by FROM posture_log WHERE id > {last}"  # noqa: S608
            )
            if {f"worker-{n}" for n in range(self.workers)} <= {n for (n,) in listed}:
                return time.monotonic() - begun
            time.sleep(0.05)
        return float("inf")

    def wait_for_all(self, patience: float = 60) -> None:
        """Wait until what is acknowledged is recorded, or nothing more is."""
        wait_recorded(self.cameras, self.database, patience)

    def seen(self, topics: set[str]) -> int:
        """How many pictures of these topics are analyzed, as the logs say."""
        text = "".join(run.log for runs in self.logs for run in runs)
        return sum(
            text.count(f" picture of {topic.partition('/')[2]} is analyzed")
            for topic in topics
        )

    def finish(self) -> None:
        """End the workers once nothing waits for them any more."""
        self.cameras.stop()
        self.wait_for_all()
        for worker in self.fleet:
            worker.stop()
        last = [
            self.new_worker(n, EXIT_WHEN_IDLE="3", NODE_NAME=f"worker-{n}")
            for n in range(self.workers)
        ]
        for index, worker in enumerate(last):
            self.fleet[index] = worker
            self.logs[index].append(worker)
        for worker in last:
            worker.wait(180)
        self.ended.set()


@contextmanager
def open_stage(
    folder: Path, pictures: list[bytes], rate: float, workers: int, broker_name: str
) -> Iterator[Stage]:
    """Everything started; gone at the end."""
    with ExitStack() as stack:
        clock, surroundings = _clock(folder)
        broker = broker_of(folder / "broker", broker_name, surroundings)
        broker.start()
        stack.callback(broker.stop)
        database = stack.enter_context(running_postgres())
        pooler = stack.enter_context(running_pgbouncer(database))
        to_broker = stack.enter_context(running_proxy(broker.port))
        to_database = stack.enter_context(running_proxy(pooler.port))
        cameras = cameras_of(broker, pictures, rate, workers)
        stage = Stage(
            folder=folder,
            broker=broker,
            database=database,
            pooler=pooler,
            to_broker=to_broker,
            to_database=to_database,
            cameras=cameras,
            pictures=folder / "pictures",
            clock=clock,
            workers=workers,
            surroundings=surroundings,
        )
        stage.pictures.mkdir()
        stage.disks = stack.enter_context(small_disks(folder, stage.pictures, database))
        stack.callback(_end_all, stage)
        threading.Thread(target=stage.watch, daemon=True).start()
        stage.start_workers()
        cameras.start()
        stack.callback(cameras.stop)
        yield stage


def _end_all(stage: Stage) -> None:
    stage.ended.set()
    for runs in stage.logs:
        for run in runs:
            run.end()


def _clock(folder: Path) -> tuple[Path | None, dict[str, str]]:
    """A wall clock for broker and workers that can be set; None without a compiler."""
    library, jump = folder / "clock.so", folder / "jump"
    compiler = shutil.which("cc")
    if not compiler:
        return None, {}
    source = Path(__file__).with_name("clock.c")
    build = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(source)]
    subprocess.run(build, check=True)
    jump.write_bytes(struct.pack("q", 0))
    return jump, {"LD_PRELOAD": str(library), "CLOCK_JUMP": str(jump)}


@contextmanager
def locked(database: Postgres) -> Iterator[Callable[[str], None]]:
    """The table locked by somebody's transaction; gives its `execute`."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE posture_log IN ACCESS EXCLUSIVE MODE")
        yield cursor.execute
        cursor.execute("COMMIT")


def reset_sessions(stage: Stage) -> None:
    """The broker loses everything, the sessions too, and comes back."""
    before = [_subscriptions(stage, n) for n in range(stage.workers)]
    stage.broker.stop(signal.SIGKILL)
    (stage.broker.folder / "mosquitto.db").unlink(missing_ok=True)
    stage.broker.start()
    begun = time.monotonic()
    for index, count in enumerate(before):
        wait_until(
            lambda n=index, c=count: _subscriptions(stage, n) > c,
            f"worker {index} subscribes again",
            60,
        )
    took = time.monotonic() - begun
    stage.slowest_return = max(stage.slowest_return, took)


def _subscriptions(stage: Stage, index: int) -> int:
    return stage.broker.log.count(f": {stage.client_id(index)} 1 images/#")
