"""The whole system on this machine: broker, database, worker, page, sample pictures.

Nothing else is needed: no cluster, no Docker, no account. Everything is kept in one
folder (local/). Exit codes: 0 ended as asked and every sample has its row and its file,
1 something did not work, 2 wrong settings.
"""

import argparse
import secrets
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

try:
    from rich.console import Console
except ModuleNotFoundError:
    raise SystemExit(
        "the demo needs packages of its own: pip install -r requirements-demo.txt"
    ) from None

from common import cli, options, private
from common.broker_settings import BrokerSettings
from common.errors import OperatorError
from common.publisher import Publisher
from demo.board import Board
from demo.broker import free_port, own_address, start_broker
from demo.database import Database, kept_files
from demo.page import LivePage, open_browser
from demo.processes import Program, Run
from demo.session import Session
from demo.settings import DemoSettings

ROOT = Path(__file__).resolve().parent
console = Console(highlight=False)


def main(argv: list[str] | None = None) -> int:
    """Start everything, show the samples, stay until Ctrl-C."""
    parser = cli.parser(__doc__)
    options.add_arguments(parser, DemoSettings)
    arguments = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return cli.exit_code(lambda: _try(arguments), _complain)
    except KeyboardInterrupt:
        return 0


def _complain(text: str) -> None:
    console.print(text, style="red", markup=False)


def _try(arguments: argparse.Namespace) -> int:
    try:
        return _run(cli.read(DemoSettings, arguments))
    except OSError as error:
        raise OperatorError(str(error)) from error


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(settings: DemoSettings) -> int:
    begun = time.perf_counter()
    folder = _make_folder(settings.folder)
    samples = _find_samples(settings.samples)
    with ExitStack() as started:
        with console.status("Starting broker, database and worker ..."):
            demo = _start(settings, folder, started)
        if demo.page:
            open_browser(demo.page.address)
        # From here on a second Ctrl-C must not tear the stop apart.
        started.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)
        console.print(f"Started in {time.perf_counter() - begun:.1f} s.")
        with Board(console) as board, Publisher(demo.broker) as publisher:
            session = Session(demo.database, demo.worker, demo.pictures, board)
            count = session.show_samples(publisher, samples)
        console.print(f"{count} pictures, each with its row and its file.")
        _say_where(demo, settings)
        if not settings.once:
            _stay(demo)
    return 0


@dataclass(frozen=True)
class _Demo:
    """What is running, and where it keeps things."""

    folder: Path
    broker: BrokerSettings
    database: Database
    worker: Program
    page: LivePage | None

    @property
    def pictures(self) -> Path:
        return self.folder / "analyzed_images"


def _start(settings: DemoSettings, folder: Path, started: ExitStack) -> _Demo:
    run = Run(folder)
    started.callback(run.ended)
    port = free_port(settings.listen, settings.port)
    if port != settings.port:
        console.print(f"Port {settings.port} is in use: the broker takes {port}.")
    broker = start_broker(folder, settings.listen, port)
    started.callback(broker.stop)
    database = Database(folder)
    started.callback(database.stop)
    environ = database.environ | {
        "MQTT_HOST": "127.0.0.1" if settings.listen == "0.0.0.0" else settings.listen,  # noqa: S104
        "MQTT_PORT": str(port),
        "MQTT_VERSION": "3.1.1",  # what the embedded broker speaks
        # Its sessions end with it, and message numbers begin anew: so must the names.
        "MQTT_CLIENT_ID": f"posture-demo-{secrets.token_hex(4)}",
        "MODEL": settings.model,
        "MODELS_FOLDER": str(_models_folder()),
        **kept_files(folder),
    }
    worker = Program(
        "worker", "mqtt_posture_analyzer_with_db.py", environ, folder / "worker.log"
    )
    run.note(worker.pid, worker.script)
    started.callback(worker.stop)
    page = None
    if settings.page and not settings.once:
        page = LivePage(environ, settings.page_port, folder / "page.log")
        run.note(page.program.pid, page.program.script)
        started.callback(page.program.stop)
        page.program.wait_ready()
    worker.wait_ready()
    return _Demo(
        folder,
        options.read(BrokerSettings, argparse.Namespace(), environ),
        database,
        worker,
        page,
    )


def _models_folder() -> Path:
    here = Path("models")
    return here.resolve() if here.is_dir() else ROOT / "models"


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OperatorError(
            f"cannot write into {folder}: {error.strerror}; name another folder with "
            "--folder"
        ) from error
    private.make_folder(folder.resolve())
    return folder.resolve()


def _find_samples(folder: Path) -> list[Path]:
    samples = sorted(folder.glob("*.jpg"))
    if not samples:
        raise OperatorError(f"--samples {folder}: there is no .jpg file")
    return samples


def _say_where(demo: _Demo, settings: DemoSettings) -> None:
    if demo.page:
        console.print(f"Live page           {demo.page.address}", soft_wrap=True)
    console.print(f"Annotated pictures  {demo.pictures}", soft_wrap=True)
    console.print(f"Database            {demo.database.psql}", soft_wrap=True)
    console.print(f"Worker's log        {demo.folder / 'worker.log'}", soft_wrap=True)
    if settings.once:
        return
    here = f"--broker-host {demo.broker.host} --broker-port {demo.broker.port}"
    there = f"-h {own_address()} -p {demo.broker.port}"
    console.print(
        "\nYour own pictures, from this machine:\n"
        f"  {sys.executable} publish_test_images.py --broker-version 3.1.1 {here} "
        "PICTURE ...\n"
        "From a camera or a phone, with any MQTT client (JPEG file or Base64 of it):\n"
        f"  mosquitto_pub {there} -q 1 -t images/desk -f photo.jpg",
        soft_wrap=True,
        markup=False,
    )
    if settings.listen == "127.0.0.1":
        console.print(
            "  For that, let other devices in: make demo ARGS='--listen 0.0.0.0' "
            "(anyone on the network can then send pictures)",
            soft_wrap=True,
        )


def _stay(demo: _Demo) -> None:
    console.print("\nWaiting for pictures; Ctrl-C ends the demo.\n")
    with Board(console) as board:
        session = Session(demo.database, demo.worker, demo.pictures, board)
        while True:
            for row in session.wait_for_rows():
                session.show(row)


if __name__ == "__main__":
    raise SystemExit(main())
