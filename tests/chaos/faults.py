"""The faults: each breaks something, waits, and mends it."""

import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from common.broker_answers import Callbacks
from common.broker_settings import BrokerSettings
from common.mqtt import Connection
from tests.chaos.disks import filled
from tests.chaos.gates import gates
from tests.chaos.plan import Step
from tests.chaos.stage import Stage, locked, reset_sessions
from tests.chaos.table_faults import TABLE_FAULTS, power_cut
from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.net import wait_until
from tests.fixtures.settings import settings_from

_HANDFUL = 20  # pictures; fewer than a worker takes before the first is acknowledged
_HOUR = 3600


def worker_killed(stage: Stage, step: Step) -> None:
    """`kill -9` while rows are on their way to the table."""
    with locked(stage.database):
        wait_until(lambda: _waiting(stage) >= stage.workers, "rows are on their way")
        stage.restart(step.victim)


def worker_stopped(stage: Stage, step: Step) -> None:
    """SIGTERM, as when a pod is moved."""
    stage.restart(step.victim, signal.SIGTERM)


def all_workers_killed(stage: Stage, step: Step) -> None:
    """Nobody is there for a while."""
    for worker in stage.fleet:
        worker.signal(signal.SIGKILL)
        worker.wait()
    time.sleep(step.hold)
    for index in range(stage.workers):
        stage.start(index)


def worker_frozen(stage: Stage, step: Step) -> None:
    """SIGSTOP; the broker gives it up meanwhile, if it takes long enough."""
    stage.fleet[step.victim].signal(signal.SIGSTOP)
    time.sleep(step.hold)
    stage.fleet[step.victim].signal(signal.SIGCONT)


def database_stopped(stage: Stage, step: Step) -> None:
    """Stopped as an administrator does."""
    _without_database(stage, step, "fast")


def database_crashed(stage: Stage, step: Step) -> None:
    """Stopped as a crash does."""
    _without_database(stage, step, "immediate")


def _without_database(stage: Stage, step: Step, mode: str) -> None:
    stage.database.stop(mode)
    _hold(stage, step)
    stage.database.start()


def database_read_only(stage: Stage, step: Step) -> None:
    """As a hosted database is when its disk is nearly full."""
    with closing(stage.database.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        cursor.execute("SELECT pg_reload_conf()")
        _hold(stage, step)
        cursor.execute("SET default_transaction_read_only = off")
        cursor.execute("ALTER SYSTEM RESET default_transaction_read_only")
        cursor.execute("SELECT pg_reload_conf()")


def table_locked(stage: Stage, step: Step) -> None:
    """Somebody's transaction holds the table."""
    with locked(stage.database):
        _hold(stage, step)


def table_full(stage: Stage, step: Step) -> None:
    """The file system of the table is full."""
    before = _refused(stage)
    with filled(stage.disks.small["table"]):
        # A page takes some twenty rows more, and only then the table has to grow.
        wait_until(lambda: _refused(stage) > before, "a row is refused", 60)
        _hold(stage, step)


def pictures_full(stage: Stage, step: Step) -> None:
    """The file system of the pictures is full."""
    with filled(stage.disks.small["pictures"]):
        _hold(stage, step)


def pooler_restarted(stage: Stage, step: Step) -> None:
    """The pooler is gone for a while."""
    stage.pooler.stop()
    _hold(stage, step)
    stage.pooler.start()


def database_silent(stage: Stage, step: Step) -> None:
    """The network to the database swallows everything."""
    stage.to_database.mode = "swallow"
    _hold(stage, step)
    stage.to_database.mode = "pass"


def broker_silent(stage: Stage, step: Step) -> None:
    """The network between the workers and the broker swallows everything."""
    stage.to_broker.mode = "swallow"
    _hold(stage, step)
    stage.to_broker.mode = "pass"


def broker_restarted(stage: Stage, step: Step) -> None:
    """Stopped with SIGTERM, so that it saves its sessions; gone for a while."""
    stage.broker.stop()
    _hold(stage, step)
    stage.broker.start()


def taken_over(stage: Stage, step: Step) -> None:
    """Another client with a worker's id comes, acknowledges nothing, and goes."""
    with _visitor(stage, step.victim):
        _hold(stage, step)


def clock_set(stage: Stage, step: Step) -> None:
    """The wall clock of broker and workers jumps back by two hours, then ahead."""
    _set_clock(stage, -2 * _HOUR)
    _hold(stage, step)
    _set_clock(stage, _HOUR)


def two_with_one_id(stage: Stage, step: Step) -> None:
    """Two workers with one client id want to write the same rows at the same moment."""
    with gates(stage, all="%"):
        index = step.victim
        wait_until(lambda: _waiting(stage) >= 1, "a worker is held up", 60)
        twin = stage.new_worker(index, NODE_NAME="twin")
        stage.logs[index].append(twin)
        both = (f"worker-{index}", "twin")
        wait_until(lambda: all(_waits(stage, name) for name in both), "both wait", 90)
    time.sleep(1)
    twin.stop()


def sessions_lost(stage: Stage, step: Step) -> None:
    """The broker loses its sessions while the workers have all their pictures in hand.

    Its numbers start again, so a late acknowledgement of an old picture would confirm
    a new one that is not written; the workers are killed before it could be.
    """
    stage.cameras.pause()
    stage.wait_for_all()
    with gates(stage, first="bfirst-%", old="bold-%", new="bnew-%") as open_gate:
        # While these are held up, what comes next gathers for one batch.
        first = stage.cameras.burst(_HANDFUL, "first")
        wait_until(lambda: _waiting(stage) >= stage.workers, "the first wait", 60)
        wait_until(lambda: stage.seen(first) == len(first), "all are in hand", 60)
        reset_sessions(stage)
        old = stage.cameras.burst(_HANDFUL, "old") | first
        wait_until(lambda: stage.seen(old) == len(old), "all are in hand", 60)
        open_gate("first")
        wait_until(lambda: stage.writers(first) == stage.workers, "the first", 60)
        wait_until(lambda: _waiting(stage) >= stage.workers, "the old ones wait", 60)
        reset_sessions(stage)
        stage.cameras.burst(_HANDFUL, "new")
        open_gate("old")
        wait_until(lambda: stage.count(old) == len(old), "the old are written", 60)
        for index in range(stage.workers):
            stage.restart(index)
    stage.cameras.resume()


def same_after_a_loss(stage: Stage, step: Step) -> None:
    """The broker loses its sessions, and then the same pictures come again.

    They have the same numbers, topics and bytes as before, and are new all the same.
    """
    stage.cameras.pause()
    stage.wait_for_all()
    name = f"same{time.monotonic_ns()}"
    for _ in range(2):
        reset_sessions(stage)
        stage.cameras.burst(_HANDFUL, name, number=1)
        stage.wait_for_all(20)
    stage.cameras.resume()


Fault = Callable[[Stage, Step], None]

FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", " "): fault
    for fault in (
        worker_killed,
        worker_stopped,
        all_workers_killed,
        worker_frozen,
        database_stopped,
        database_crashed,
        database_read_only,
        table_locked,
        table_full,
        database_silent,
        pooler_restarted,
        broker_restarted,
        broker_silent,
        taken_over,
        two_with_one_id,
        clock_set,
        pictures_full,
        sessions_lost,
        same_after_a_loss,
        *TABLE_FAULTS,
    )
}


def possible(stage: Stage) -> dict[str, Fault]:
    """The faults that can be made on this machine."""
    impossible: list[Fault] = []
    if not stage.disks.small:
        impossible += [table_full, pictures_full]
    if stage.disks.image is None:
        impossible.append(power_cut)
    ours = isinstance(stage.broker, Mosquitto)  # whose sessions can be taken away
    if stage.clock is None or not ours:
        impossible.append(clock_set)
    if not ours:
        impossible += [sessions_lost, same_after_a_loss]
    return {name: each for name, each in FAULTS.items() if each not in impossible}


def _hold(stage: Stage, step: Step) -> None:
    time.sleep(step.hold / 2)
    if step.kill_too:
        stage.restart(step.victim)
        stage.also_killed = True
    time.sleep(step.hold / 2)


def _refused(stage: Stage) -> int:
    """How often a worker has said so far that the table could not grow."""
    said = "the database's disk is full"
    return sum(run.log.count(said) for runs in stage.logs for run in runs)


def _waiting(stage: Stage) -> int:
    (found,) = stage.database.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND usename = 'analyzer'",
        database="postgres",
    )
    return int(found[0])


def _waits(stage: Stage, worker: str) -> bool:
    """Whether this worker's statement, which has its name in each row, waits."""
    (found,) = stage.database.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "  # noqa: S608
        f"AND usename = 'analyzer' AND query LIKE '%''{worker}''%'",
        database="postgres",
    )
    return bool(found[0])


def _set_clock(stage: Stage, seconds: int) -> None:
    assert stage.clock
    with stage.clock.open("r+b") as file:
        file.write(struct.pack("q", seconds))


@contextmanager
def _visitor(stage: Stage, index: int) -> Iterator[None]:
    taken = threading.Event()
    visitor = Connection(
        settings_from(BrokerSettings, stage.broker.environ),
        stage.client_id(index),
        Callbacks(connected=lambda _granted: taken.set()),
        durable=True,
        by_hand=True,
    )
    visitor.start()
    assert taken.wait(20), "the visitor is not connected"
    try:
        yield
    finally:
        visitor.stop()
