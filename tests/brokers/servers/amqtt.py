"""aMQTT, a broker in Python, with its defaults: it keeps nothing for who is absent."""

import sys
from pathlib import Path

from tests.brokers.servers.server import Server, bring, cached

_CONF = """
listeners:
  default: {{type: tcp, bind: "127.0.0.1:{port}"}}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin: {{allow_anonymous: true}}
"""


class Amqtt(Server):
    name = "aMQTT"
    version = "0.12.1"
    mqtt = "3.1.1"
    keeps = False
    verdict = "for an absent worker it kept 0"

    @classmethod
    def prepare(cls) -> None:
        command = [sys.executable, "-m", "pip", "install", "-q", "--target", "."]
        bring([*command, f"amqtt=={cls.version}"], cls._folder(), "aMQTT by pip")

    @classmethod
    def _folder(cls) -> Path:
        return cached(f"amqtt-{cls.version}")

    def command(self) -> list[str]:
        conf = self.folder / "amqtt.yaml"
        conf.write_text(_CONF.format(port=self.port))
        program = "from amqtt.scripts.broker_script import main; main()"
        path = f"import sys; sys.path.insert(0, {str(self._folder())!r}); "
        return [sys.executable, "-c", path + program, "-c", str(conf)]
