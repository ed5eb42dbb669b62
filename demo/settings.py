"""The demo's settings, each with its flag, environment variable and default."""

from dataclasses import dataclass
from pathlib import Path

from common import options
from common.hosts import Host
from common.options import boolean, option, same
from posture.settings import WorkerSettings

_INSTALLED = Path(__file__).with_name("samples")
_CHECKOUT = Path(__file__).parents[1] / "tests" / "images"
SAMPLES = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


@dataclass(frozen=True)
class DemoSettings:
    """Everything the demo is told."""

    once: bool = option(
        "LOCAL_ONCE",
        "--once",
        "end after the sample pictures",
        default="false",
        parse=boolean,
    )
    folder: Path = option(
        "LOCAL_FOLDER",
        "--folder",
        "folder for all data of the demo",
        default="local",
        parse=Path,
    )
    samples: Path = option(
        "LOCAL_SAMPLES",
        "--samples",
        "folder with the pictures to begin with",
        default=str(SAMPLES),
        parse=Path,
    )
    model: str = same(WorkerSettings, "model")
    listen: str = option(
        "LOCAL_LISTEN",
        "--listen",
        "address of the broker; 0.0.0.0 lets other devices in, without a password",
        default="127.0.0.1",
        parse=Host("LOCAL_LISTEN", "LOCAL_PORT"),
    )
    port: int = option(
        "LOCAL_PORT",
        "--broker-port",
        "port of the broker; another one is taken if it is in use",
        default="1883",
        parse=options.port,
        old_flag="--port",
    )
    page: bool = option(
        "LOCAL_PAGE",
        "--page",
        "serve the live page too, unless with --once; --page=false: do not",
        default="true",
        parse=boolean,
    )
    page_port: int = option(
        "LOCAL_PAGE_PORT",
        "--page-port",
        "port of the live page; another one is taken if it is in use",
        default="8090",
        parse=options.port,
    )
