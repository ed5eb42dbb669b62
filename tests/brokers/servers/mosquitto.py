"""Mosquitto, as deploy/mosquitto.conf sets it up."""

import getpass
import os
import shutil
import subprocess
from pathlib import Path

from tests.brokers.servers.server import MissingError, Server

_CONF = """
user {user}
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 1
max_queued_messages 1000000
max_packet_size 20000000
"""


def _program() -> str:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    return shutil.which("mosquitto", path=path) or ""


class Mosquitto(Server):
    name = "Mosquitto"

    @classmethod
    def prepare(cls) -> None:
        if not _program():
            raise MissingError("mosquitto: tools/system_packages.sh test")
        said = subprocess.run([_program(), "-h"], capture_output=True, text=True).stdout
        cls.version = said.split("version ")[1].split()[0]

    def command(self) -> list[str]:
        conf = Path(self.folder, "mosquitto.conf")
        conf.write_text(
            _CONF.format(user=getpass.getuser(), port=self.port, folder=self.folder)
        )
        return [_program(), "-c", str(conf)]
