"""aedes, a broker for Node.js, with its persistence in LevelDB."""

import shutil
from pathlib import Path

from tests.brokers.servers.server import MissingError, Server, bring, cached

_PACKAGES = ("aedes@1.2.0", "aedes-persistence-level@9.2.0", "level@10.0.0")


class Aedes(Server):
    name = "aedes"
    version = "1.2.0"
    mqtt = "3.1.1"
    verdict = "the same number, without a mark"

    @classmethod
    def prepare(cls) -> None:
        for program in ("node", "npm"):
            if not shutil.which(program):
                raise MissingError(f"aedes: {program} is not installed")
        folder = cls._folder()
        bring(["npm", "install", "--prefix", ".", *_PACKAGES], folder, "aedes by npm")

    @classmethod
    def _folder(cls) -> Path:
        return cached(f"aedes-{cls.version}")

    def command(self) -> list[str]:
        # Node looks for packages beside the file that wants them.
        script = self._folder() / "aedes.mjs"
        script.write_text(Path(__file__).with_name("aedes.mjs").read_text())
        return ["node", str(script), str(self.port), str(self.folder / "data")]
