"""The worker: pictures from MQTT become rows in PostgreSQL and annotated pictures.

Exit codes: 0 ended as asked or idle, 1 cannot work here (no model, no writable folder,
no broker for a command), 2 wrong settings.
"""

import argparse
import dataclasses
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from common import cli, options
from common.errors import OperatorError
from common.process import keep_memory_private
from common.signals import Stop, on_stop_signals
from posture.settings import ReplaySettings, SessionSettings, WorkerSettings
from posture.worker.memory import reuse_picture_memory
from posture.worker.native_log import take_over_stderr

if TYPE_CHECKING:
    from posture.mqtt.subscription import Wish
    from posture.worker.events import Events

log = logging.getLogger("posture.worker")


def main(argv: list[str] | None = None) -> int:
    """Run the worker until it is stopped, or see to the sessions of all workers."""
    parser = cli.parser(
        __doc__, "\n".join(f"{name}: {what}" for name, what in _COMMANDS.items())
    )
    parser.add_argument(
        "command", nargs="?", choices=tuple(_COMMANDS), default="work", help="see below"
    )
    parser.add_argument(
        "--successors", type=int, metavar="N", help="only for retire: see there"
    )
    parser.add_argument("pictures", nargs="*", help="only for view: picture files")
    parser.add_argument("--pi", default="", metavar="NAME", help="only for view")
    options.add_arguments(parser, WorkerSettings)
    arguments = parser.parse_intermixed_args(argv)
    if arguments.command != "view" and (arguments.pictures or arguments.pi):
        parser.error("pictures and --pi are only for view")
    return cli.exit_code(lambda: _run(arguments), log.error)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "view":
        return _view(arguments)
    if arguments.command == "retire":
        arguments.slot = "0"  # it works on all of them, one after another
    wanted = _NEEDS.get(arguments.command, WorkerSettings)
    settings = cli.read(wanted, arguments)
    _log_to_stderr(settings.log_level)
    keep_memory_private()
    reuse_picture_memory()
    # Threads here hold Python's lock for moments between long native calls; who waits
    # for it leaves a core idle (2 % of all pictures at Python's own 5 ms).
    sys.setswitchinterval(0.0005)
    return _do(arguments, settings)


def _do(arguments: argparse.Namespace, settings: SessionSettings) -> int:
    match arguments.command, settings:
        case "declare", _:
            return _declare(settings)
        case "status", _:
            return _status(settings)
        case "probe", _:
            return _probe(settings)
        case "replay", ReplaySettings():
            return _replay(settings)
        case "retire", WorkerSettings():
            return _retire(settings, arguments.successors)
        case _, WorkerSettings():
            _work(settings, _stopped_by_signals())
    return 0


def _view(arguments: argparse.Namespace) -> int:
    from posture.view import check_view

    return check_view(arguments)


def _stopped_by_signals() -> Stop:
    stop = Stop()
    on_stop_signals(stop.set)
    return stop


def _declare(settings: SessionSettings) -> int:
    from posture.mqtt.sessions import declare, session_ids

    declare(settings)
    log.info(
        "the broker keeps %s for %s", settings.topic, ", ".join(session_ids(settings))
    )
    return 0


def _status(settings: SessionSettings) -> int:
    from posture.mqtt.sessions import look

    states = look(settings)
    for state in states:
        print(state)  # noqa: T201 - what was asked for
    return 1 if any(state.exists is False for state in states) else 0


def _probe(settings: SessionSettings) -> int:
    from posture.mqtt.probe import probe

    log.info("the broker %s", probe(settings.broker))
    return 0


def _retire(settings: WorkerSettings, successors: int | None) -> int:
    from posture.mqtt.probe import redelivers_at_once
    from posture.mqtt.sessions import close

    if successors == settings.workers:
        raise OperatorError("--successors must be another number than --workers")
    close(settings, successors)
    idle = settings.exit_when_idle or _IDLE_WHEN_RETIRED
    if not redelivers_at_once(settings.broker):
        idle = max(idle, _IDLE_WITH_TIMER)
        log.info(
            "what a lost worker had in hand may take a while to come again: a session "
            "counts as empty after %.0f s",
            idle,
        )
    asked = Stop()
    for slot in range(settings.workers):
        one = dataclasses.replace(settings, slot=slot, exit_when_idle=idle)
        log.info("working off what waits for %s", one.session_id)
        if not _work(one, _own_stop(asked), "unsubscribe"):
            log.error("stopped before %s was empty: retire again", one.session_id)
            return 1
    log.info("retired: %d", settings.workers)
    return 0


def _own_stop(asked: Stop) -> Stop:
    """A stop for one worker, which its end sets; a signal sets `asked` too."""
    stop = Stop()

    def both() -> None:
        asked.set()
        stop.set()

    on_stop_signals(both)
    if asked.is_set():
        stop.set()
    return stop


def _replay(settings: ReplaySettings) -> int:
    from posture.mqtt.replay import replay

    log.info("put back: %d", replay(settings))
    return 0


_NEEDS: dict[str, type[SessionSettings]] = {
    "declare": SessionSettings,
    "status": SessionSettings,
    "probe": SessionSettings,
    "replay": ReplaySettings,
}
_IDLE_WHEN_RETIRED = 5.0  # seconds without a message after which a session is empty
_IDLE_WITH_TIMER = 60.0  # the same, where what was not acknowledged comes by a timer
_COMMANDS = {
    "work": "analyze pictures (the default)",
    "declare": "have the broker keep pictures for all --workers, before they start",
    "status": "say what waits for each of --workers; they must not be at work",
    "probe": "try whether the broker keeps what it accepts; takes a second or two",
    "retire": "work off what waits for --workers, which must not be at work, and "
    "remove their sessions; with --successors N the sessions of so many begin first",
    "view": "say what of the given pictures, or of the next ones that the camera --pi "
    "sends, would be judged, what is hidden and what to change; exit code 1 unless "
    "most would be",
    "replay": "publish what is in the quarantine again, after the cause is mended",
}


def _work(settings: WorkerSettings, stop: Stop, wish: "Wish" = "subscribe") -> bool:
    """Work; False when it was told to stop before it had been idle long enough."""
    with _events(settings) as events:
        return _work_and_tell(settings, stop, wish, events)


def _events(settings: WorkerSettings) -> "AbstractContextManager[Events]":
    from posture.worker.events import Events

    if settings.metrics_port == 0:
        return nullcontext(Events())
    # Imported only here: a Job that tells nothing starts without it.
    from posture.worker.metrics import told

    return told(settings)


def _work_and_tell(
    settings: WorkerSettings, stop: Stop, wish: "Wish", events: "Events"
) -> bool:
    clock = _Clock()
    # Imported here so that --help and wrong settings answer at once.
    from common.postgres import DatabaseError
    from posture.models import find_bundle
    from posture.store import pictures
    from posture.store.posture_log import PostureLog
    from posture.store.retention import Pruner
    from posture.vision.cpu_affinity import a_core_for_each
    from posture.vision.landmarks import Landmarker
    from posture.worker.isolation import Guarded
    from posture.worker.seccomp import go_offline
    from posture.worker.worker import Worker

    model = find_bundle(settings.models_folder, settings.model)
    for folder in (settings.pictures, settings.quarantine):
        pictures.check_writable(folder)
    pictures.remove_parts(settings.pictures)
    time_kept = f"{days} days" if (days := settings.picture_days) else "for good"
    size = f", {mb} MB in all" if (mb := settings.pictures_mb) else ""
    log.info(
        "kept of each picture: %s, %s%s (STORE, PICTURE_DAYS, PICTURES_MB)",
        settings.store,
        time_kept,
        size,
    )
    clock.lap("import")
    with ThreadPoolExecutor(settings.threads, initializer=go_offline) as pool:
        cores = a_core_for_each(settings.threads)
        loading = [pool.submit(Landmarker, model, core) for core in cores]
        table = PostureLog(settings.database)
        try:
            for doubt in table.check():
                log.warning(doubt)
        except DatabaseError as error:
            log.error("%s; pictures wait until it works", error)  # noqa: TRY400
        clock.lap("database")
        landmarkers = [each.result() for each in loading]
    clock.lap("models")

    def ready() -> None:
        clock.lap("broker")
        it = settings
        log.info("ready: %d x %s on %s (%s)", it.threads, it.model, it.topic, clock)
        events.ready()

    guarded, pruner = Guarded(settings, model), Pruner(settings)
    worker = Worker(
        settings, guarded, landmarkers, table, ready, stop, wish, events, pruner.grown
    )
    pruner.start()
    worker.start()
    idle = worker.run()
    pruner.stop()
    table.close()
    return idle


class _Clock:
    """Where the time from the start to ready went."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._laps: list[str] = []

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps.append(f"{name} {now - self._last:.3f} s")
        self._last = now

    def __str__(self) -> str:
        return ", ".join(self._laps)


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        level=level.upper(),
        format="%(asctime)s %(levelname)-7s %(threadName)s %(message)s",
        stream=take_over_stderr(),
    )


if __name__ == "__main__":
    raise SystemExit(main())
