"""NATS server, with JetStream, which its MQTT needs."""

import os
import shutil

from tests.brokers.servers.server import MissingError, Server, bring, cached

_CONF = """
server_name: posture
listen: 127.0.0.1:-1
jetstream {{ store_dir: "{folder}/jetstream" }}
max_payload: 20000000
mqtt {{ host: 127.0.0.1, port: {port} }}
"""


class Nats(Server):
    name = "NATS"
    version = "2.15.2"
    mqtt = "3.1.1"
    late = 30
    verdict = "it has a timer"

    @classmethod
    def prepare(cls) -> None:
        go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
        if not go:
            raise MissingError("NATS: go is not installed")
        folder = cached(f"nats-{cls.version}")
        package = f"github.com/nats-io/nats-server/v2@v{cls.version}"
        command = ["env", f"GOBIN={folder}", go, "install", package]
        bring(command, folder, "NATS by Go")

    def command(self) -> list[str]:
        conf = self.folder / "nats.conf"
        conf.write_text(_CONF.format(port=self.port, folder=self.folder))
        program = cached(f"nats-{self.version}") / "nats-server"
        return [os.fspath(program), "-c", str(conf)]
