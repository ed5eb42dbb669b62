"""rumqttd, the broker of `make demo`, from its Python package; all in memory."""

import importlib.metadata
import importlib.util
import sys
from pathlib import Path

from tests.brokers.servers.server import MissingError, Server


class Rumqttd(Server):
    name = "rumqttd"
    mqtt = "3.1.1"
    on_disk = False
    verdict = "a new number, without a mark"

    @classmethod
    def prepare(cls) -> None:
        if not importlib.util.find_spec("iotcore"):
            raise MissingError("rumqttd: pip install -r requirements-demo.txt")
        cls.version = f"iotcore {importlib.metadata.version('iotcore')}"

    def command(self) -> list[str]:
        script = Path(__file__).with_name("rumqttd_main.py")
        return [sys.executable, str(script), str(self.folder), str(self.port)]
