"""The real parts that tests share: one broker and one database for all of them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import posture  # noqa: F401 - sets OpenCV's limit, which is read once, at its import
from posture.store import optional_columns
from tests.fixtures.mosquitto import Mosquitto, running_mosquitto
from tests.fixtures.postgres import Postgres, running_postgres
from tests.fixtures.worker import ForkedWorker

pytest_plugins = [
    "tests.fixtures.control_plane",
    "tests.fixtures.cluster_scene",
    "tests.fixtures.helm",
    "tests.fixtures.parallel",
]

# Where others use the machine, an example takes as long as it takes.
settings.register_profile("busy", deadline=None, database=None)
settings.load_profile("busy")

# Programs written in Go (Kubernetes, Prometheus, Helm, Docker) spend less time on
# collecting garbage so: a tenth less of what they use, for more memory, to a bound.
os.environ.setdefault("GOGC", "400")
os.environ.setdefault("GOMEMLIMIT", "600MiB")
# On several cores they spend a fifth of their time on looking for work for the others.
os.environ.setdefault("GOMAXPROCS", "1")

IMAGES = Path(__file__).parent / "images"
_REASONS = Path(__file__).parents[1] / "deploy" / "posture_log_reasons.sql"


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres(_postgres: Postgres) -> Postgres:
    """The shared database, its table empty."""
    _postgres.execute("TRUNCATE posture_log RESTART IDENTITY")
    return _postgres


@pytest.fixture
def reasons(postgres: Postgres) -> Iterator[Postgres]:
    """The shared database, its table with the optional columns meanwhile."""
    postgres.execute(_REASONS.read_text())
    yield postgres
    for name in optional_columns.TYPES:
        postgres.execute(f"ALTER TABLE posture_log DROP COLUMN IF EXISTS {name}")


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A database that the test may stop, break and start again."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker of the test's own, so that message numbers begin at 1."""
    with running_mosquitto(tmp_path / "broker") as mosquitto:
        yield mosquitto


@pytest.fixture
def start_worker(
    tmp_path: Path, broker: Mosquitto, request: pytest.FixtureRequest
) -> Iterator[Callable[..., ForkedWorker]]:
    """Starts workers on the test's broker and database; ends them."""
    workers: list[ForkedWorker] = []

    def start(
        *flags: str, ready: bool = True, prefix: tuple[str, ...] = (), **environ: str
    ) -> ForkedWorker:
        own = "own_postgres" in request.fixturenames
        database = request.getfixturevalue("own_postgres" if own else "postgres")
        settings = broker.environ | database.environ | environ
        worker = ForkedWorker(tmp_path / "worker", settings, *flags, prefix=prefix)
        workers.append(worker)
        if ready:
            worker.wait_ready()
        return worker

    yield start
    for worker in workers:
        worker.end()
        print(worker.log)  # shown with a test that fails
