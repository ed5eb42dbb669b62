"""The worker: pictures from MQTT become rows in PostgreSQL and annotated pictures.

Exit codes: 0 ended as asked or idle, 1 cannot work here (no model, no writable folder),
2 wrong settings.
"""

import argparse
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import options
from posture.errors import PostureError
from posture.memory import reuse_picture_memory
from posture.native_log import take_over_stderr
from posture.settings import SessionSettings, WorkerSettings

log = logging.getLogger("posture.worker")


def main(argv: list[str] | None = None) -> int:
    """Run the worker until it is stopped, or declare its session."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument(
        "command",
        nargs="?",
        choices=("work", "declare"),
        default="work",
        help="declare: only have the broker keep pictures for the worker",
    )
    options.add_arguments(parser, WorkerSettings)
    arguments = parser.parse_args(argv)
    wanted = SessionSettings if arguments.command == "declare" else WorkerSettings
    try:
        settings = options.read(wanted, arguments, os.environ)
    except options.SettingsError as error:
        print(f"settings:\n{error}", file=sys.stderr)  # noqa: T201 - logging is not up
        return 2
    _log_to_stderr(settings.log_level)
    reuse_picture_memory()
    try:
        if isinstance(settings, WorkerSettings):
            return _work(settings)
        return _declare(settings)
    except PostureError as error:
        log.error("%s", error)  # noqa: TRY400 - a message, not a traceback
        return 1


def _declare(settings: SessionSettings) -> int:
    from posture.session import declare

    declare(settings)
    log.info("the broker keeps %s for %s", settings.topic, settings.client_id)
    return 0


def _work(settings: WorkerSettings) -> int:
    clock = _Clock()
    # Imported here so that --help and wrong settings answer at once.
    from posture import pictures
    from posture.landmarks import Landmarker, LandmarkerPool
    from posture.models import find_bundle
    from posture.pipeline import Worker
    from posture.posture_log import LogError, PostureLog

    model = find_bundle(settings.models_folder, settings.model)
    for folder in (settings.pictures, settings.quarantine):
        pictures.check_writable(folder)
    pictures.remove_parts(settings.pictures)
    clock.lap("import")
    with ThreadPoolExecutor(settings.threads) as pool:
        loading = [pool.submit(Landmarker, model) for _ in range(settings.threads)]
        table = PostureLog(settings.database)
        try:
            table.check()
        except LogError as error:
            log.error("%s; pictures wait until it works", error)  # noqa: TRY400
        clock.lap("database")
        landmarkers = LandmarkerPool([each.result() for each in loading])
    clock.lap("models")

    def ready() -> None:
        clock.lap("broker")
        it = settings
        log.info("ready: %d x %s on %s (%s)", it.threads, it.model, it.topic, clock)

    worker = Worker(settings, landmarkers, table, ready)
    _stop_on_signals(worker.request_stop)
    worker.start()
    worker.run()
    table.close()
    return 0


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


def _stop_on_signals(stop: Callable[[], None]) -> None:
    def handle(number: int, _frame: FrameType | None) -> None:
        # A second signal ends the process at once.
        signal.signal(number, signal.SIG_DFL)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


if __name__ == "__main__":
    raise SystemExit(main())
