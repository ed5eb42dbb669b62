"""The worker's own doors, asked on behalf of the launcher: broker, database, session.

The one place where the launcher knows the worker's code.
"""

from collections.abc import Callable
from dataclasses import replace

from common.errors import OperatorError
from launcher.preflight import Check, Doubt
from posture.settings import SessionSettings, WorkerSettings

_DEADLINE = 6.0  # seconds for one answer, so that the door's own words are heard


def worker_checks(worker: WorkerSettings) -> list[Check]:
    """Whether the worker will reach its broker and its table."""
    return [
        Check("broker", lambda: _check_broker(worker)),
        Check("database", lambda: _check_database(worker)),
    ]


def declare_session(session: SessionSettings) -> Callable[[], str]:
    """Has the broker keep pictures for the worker from now on."""
    return lambda: _declare(session)


def _check_broker(worker: WorkerSettings) -> str:
    from posture.mqtt.probe import UntriedError, probe

    at = f"{worker.broker.host}:{worker.broker.port}"
    try:
        return f"{at} {probe(worker.broker, worker.topic)}"
    except UntriedError as error:
        remedy = "python mqtt_posture_analyzer_with_db.py probe, as a user who may"
        raise Doubt(f"{at}: {error}", remedy) from error
    except OperatorError as error:
        raise OperatorError(f"{at}: {error}") from error


def _check_database(worker: WorkerSettings) -> str:
    from posture.store.posture_log import PostureLog

    deadline = min(worker.database.deadline, _DEADLINE)
    table = PostureLog(replace(worker.database, deadline=deadline))
    doubts = table.check()
    table.close()
    return "; ".join([f"{worker.database.host}: the table takes a row", *doubts])


def _declare(session: SessionSettings) -> str:
    from posture.mqtt.sessions import declare

    declare(session)
    return f"the broker keeps {session.topic} for {session.client_id}"
