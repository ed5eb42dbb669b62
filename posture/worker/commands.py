"""The worker's commands: `work`, and what is done for the sessions of all workers.

Each imports what it needs when it is called, so that --help and wrong settings answer
at once.
"""

import argparse
import dataclasses
import logging
from typing import TYPE_CHECKING

from common.errors import OperatorError
from common.signals import Stop, on_stop_signals
from posture.settings import ReplaySettings, SessionSettings, WorkerSettings
from posture.worker.laps import Laps

if TYPE_CHECKING:
    from posture.mqtt.subscription import Wish

log = logging.getLogger("posture.worker")

_IDLE_WHEN_RETIRED = 5.0  # seconds without a message after which a session is empty
_IDLE_WITH_TIMER = 60.0  # the same, where what was not acknowledged comes by a timer
COMMANDS = {
    "work": "analyze pictures (the default)",
    "declare": "have the broker keep pictures for all --workers, before they start",
    "status": "say what waits for each of --workers; they must not be at work",
    "probe": "try whether the broker keeps what it accepts; takes a second or two",
    "check": "try broker, database and model as a worker would use them; nothing stays",
    "retire": "work off what waits for --workers, which must not be at work, and "
    "remove their sessions; with --successors N the sessions of so many begin first",
    "view": "say what of the given pictures, or of the next ones that the camera --pi "
    "sends, would be judged, what is hidden and what to change; exit code 1 unless "
    "most would be",
    "calibrate": "have the camera --pi judged by how its own person reads when sitting "
    "well, in the given pictures or the next 10 that it sends; --off takes it away",
    "replay": "publish what is in the quarantine again, after the cause is mended",
}
"""Each command's name, and what it does."""

_NEEDS: dict[str, type[SessionSettings]] = {
    "declare": SessionSettings,
    "status": SessionSettings,
    "probe": SessionSettings,
    "replay": ReplaySettings,
}


def settings_of(command: str) -> type[SessionSettings]:
    """The settings that a command reads; `view` and `calibrate` read their own."""
    return _NEEDS.get(command, WorkerSettings)


def run(arguments: argparse.Namespace, settings: SessionSettings) -> int:
    """Do what `arguments.command` says; gives the exit code.

    Raises:
        OperatorError: it cannot be done here; says why.
    """
    match arguments.command, settings:
        case "declare", _:
            return _declare(settings)
        case "status", _:
            return _status(settings)
        case "probe", _:
            return _probe(settings)
        case "replay", ReplaySettings():
            return _replay(settings)
        case "check", WorkerSettings():
            return _check(settings)
        case "retire", WorkerSettings():
            return _retire(settings, arguments.successors)
        case _, WorkerSettings():
            _work(settings, _stopped_by_signals())
    return 0


def _work(settings: WorkerSettings, stop: Stop, wish: "Wish" = "subscribe") -> bool:
    laps = Laps()  # the imports are the first of them
    from posture.worker.work import work

    return work(settings, stop, wish, laps)


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

    log.info("the broker %s", probe(settings.broker, settings.topic))
    return 0


def _check(settings: WorkerSettings) -> int:
    from posture.worker.checks import checks

    failed = 0
    for name, check in checks(settings).items():
        try:
            log.info("%s: %s", name, check())
        except OperatorError as error:
            log.error("%s: %s", name, error)  # noqa: TRY400 - a message, no traceback
            failed = 1
    return failed


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
    stop = _stopped_by_signals()
    for slot in range(settings.workers):
        one = dataclasses.replace(settings, slot=slot, exit_when_idle=idle)
        log.info("working off what waits for %s", one.session_id)
        if not _work(one, stop, "unsubscribe"):
            log.error("stopped before %s was empty: retire again", one.session_id)
            return 1
    log.info("retired: %d", settings.workers)
    return 0


def _replay(settings: ReplaySettings) -> int:
    from posture.mqtt.replay import replay

    log.info("put back: %d", replay(settings))
    return 0
