"""From settings to a worker that is ready, and to its end."""

import gc
import logging
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from common.postgres import DatabaseError
from common.signals import Stop
from posture.models import find_bundle
from posture.mqtt.subscription import Wish
from posture.settings import WorkerSettings
from posture.store import pictures
from posture.store.posture_log import PostureLog
from posture.store.retention import Pruner
from posture.vision.cpu_affinity import a_core_for_each
from posture.vision.landmarks import Delegate, Finder, Landmarker
from posture.worker.events import Events
from posture.worker.gpu import Gpu, GpuFirst
from posture.worker.isolation import Guarded
from posture.worker.laps import Laps
from posture.worker.seccomp import go_offline
from posture.worker.trackers import Trackers
from posture.worker.worker import Worker

log = logging.getLogger("posture.worker")


def work(settings: WorkerSettings, stop: Stop, wish: Wish, laps: Laps) -> bool:
    """Work; False when it was told to stop before it had been idle long enough.

    Raises:
        OperatorError: no model, a folder that cannot be written, a stuck picture.
    """
    laps.lap("import")
    with _events(settings) as events:
        return _work(settings, stop, wish, laps, events)


def _events(settings: WorkerSettings) -> AbstractContextManager[Events]:
    if settings.metrics_port == 0:
        return nullcontext(Events())
    # Imported only here: a Job that tells nothing starts without it.
    from posture.worker.metrics import told

    return told(settings)


def _work(
    settings: WorkerSettings, stop: Stop, wish: Wish, laps: Laps, events: Events
) -> bool:
    model = find_bundle(settings.models_folder, settings.model)
    _prepare_folders(settings)
    table = PostureLog(settings.database)
    delegate = _delegate(settings, model)
    landmarkers = _loaded(settings, model, delegate, table, laps)

    trackers = _trackers(settings, model, delegate)

    # What is loaded by now stays. A collection would go through all of it now and then,
    # which holds up every thread for 32 ms, the time of a picture.
    gc.freeze()

    def ready() -> None:
        laps.lap("broker")
        log.info(
            "ready: %d x %s on %s (%s)",
            settings.threads,
            settings.model,
            settings.topic,
            laps,
        )
        events.ready()

    guarded, pruner = Guarded(settings, model), Pruner(settings)
    worker = Worker(
        settings,
        guarded,
        landmarkers,
        trackers,
        table,
        ready,
        stop,
        wish,
        events,
        pruner.grown,
    )
    pruner.start()
    worker.start()
    idle = worker.run()
    pruner.stop()
    table.close()
    return idle


def _prepare_folders(settings: WorkerSettings) -> None:
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


def _delegate(settings: WorkerSettings, model: Path) -> Delegate:
    if settings.delegate != "auto":
        return settings.delegate
    from posture.worker.delegate import choose

    choice = choose(model)
    log.info("landmarks by the %s: %s", choice.delegate.upper(), choice.why)
    return choice.delegate


def _trackers(settings: WorkerSettings, model: Path, delegate: Delegate) -> Trackers:
    most = settings.track
    if most and delegate == "gpu":
        log.info("TRACK is not used: one more model makes a GPU slower")
        most = 0
    if most and settings.cameras.people != "any":
        log.info("TRACK is not used: whom it follows hides others (PEOPLE)")
        most = 0
    return Trackers(
        most, lambda: Landmarker(model, follows=True), settings.memory_mb << 20
    )


def _loaded(
    settings: WorkerSettings,
    model: Path,
    delegate: Delegate,
    table: PostureLog,
    laps: Laps,
) -> Sequence[Finder]:
    """Landmarkers, loaded side by side while the table is looked at."""
    with ThreadPoolExecutor(settings.threads, initializer=go_offline) as pool:
        cores = a_core_for_each(settings.threads, _first_core(settings))
        load = partial(Landmarker, model, people=settings.cameras.people)
        make = load if delegate == "cpu" else _on_the_gpu(load)
        loading = [pool.submit(make, core) for core in cores]
        try:
            for doubt in table.check():
                log.warning(doubt)
        except DatabaseError as error:
            log.error("%s; pictures wait until it works", error)  # noqa: TRY400
        laps.lap("database")
        landmarkers = [each.result() for each in loading]
    laps.lap("models")
    return landmarkers


def _first_core(settings: WorkerSettings) -> int:
    """Where to begin, so that workers on one machine rarely take the same cores."""
    share = settings.share
    return share.index * settings.threads if share.of > 1 else secrets.randbelow(1024)


def _on_the_gpu(load: partial[Landmarker]) -> Callable[[int | None], Finder]:
    gpu = Gpu(load, load(delegate="gpu"))
    return lambda core: GpuFirst(gpu, core)
