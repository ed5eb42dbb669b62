"""Whether broker, database and model can be used, as the worker would use them."""

from collections.abc import Callable
from dataclasses import replace

from common.database_settings import DatabaseSettings
from common.errors import OperatorError
from posture.settings import SessionSettings, WorkerSettings

_DEADLINE = 6.0  # seconds for one answer, so that the door's own words are heard


def checks(worker: WorkerSettings) -> dict[str, Callable[[], str]]:
    """Each check by the name of what is tried; what it gives says what was found.

    Nothing that they do stays. Each raises an OperatorError that says what is wrong.
    """
    return {
        "broker": lambda: check_broker(worker),
        "database": lambda: check_database(worker.database),
        "model": lambda: check_model(worker),
    }


def check_broker(session: SessionSettings) -> str:
    """Whether the broker keeps what it accepts.

    Raises:
        UntriedError: this user may not try it.
        OperatorError: it does not, or cannot be reached.
    """
    from posture.mqtt.probe import UntriedError, probe

    at = f"{session.broker.host}:{session.broker.port}"
    try:
        return f"{at} {probe(session.broker, session.topic)}"
    except UntriedError as error:
        raise UntriedError(f"{at}: {error}") from error
    except OperatorError as error:
        raise OperatorError(f"{at}: {error}") from error


def check_database(database: DatabaseSettings) -> str:
    """Whether the table takes a row, which is rolled back.

    Raises:
        OperatorError: it does not, or cannot be reached.
    """
    from posture.store.posture_log import PostureLog

    deadline = min(database.deadline, _DEADLINE)
    table = PostureLog(replace(database, deadline=deadline))
    try:
        doubts = table.check()
    finally:
        table.close()
    return "; ".join([f"{database.host}: the table takes a row", *doubts])


def check_model(worker: WorkerSettings) -> str:
    """Whether the model can be loaded, and looks at a picture of nobody.

    Raises:
        OperatorError: it is not there, or cannot be used.
    """
    from posture.models import find_bundle
    from posture.worker.finder import try_model

    try_model(find_bundle(worker.models_folder, worker.model))
    return f"{worker.model} works"
