"""Brokers in Java: their jars by Maven, each started by a few lines of Java."""

import shutil
from pathlib import Path

from tests.brokers.servers.server import MissingError, Server, bring, cached
from tests.fixtures.cache import digest

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>posture</groupId><artifactId>broker</artifactId><version>1</version>
<dependencies>{dependencies}</dependencies></project>
"""
_DEPENDENCY = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId>"
    "<version>{}</version></dependency>"
)


class JavaServer(Server):
    """Started by the class in a Java file beside this one."""

    packages: tuple[str, ...] = ()
    """GROUP:ARTIFACT of Maven Central, all of `version`."""
    flags: tuple[str, ...] = ()
    source = ""
    """Name of that file."""

    @classmethod
    def prepare(cls) -> None:
        for program in ("java", "javac", "mvn"):
            if not shutil.which(program):
                raise MissingError(f"{cls.name}: {program} is not installed")
        folder = cls._folder()
        wanted = (
            _DEPENDENCY.format(*each.split(":"), cls.version) for each in cls.packages
        )
        (folder / "pom.xml").write_text(_POM.format(dependencies="".join(wanted)))
        command = "mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib"
        bring(command.split(), folder, f"{cls.name} by Maven")
        compiler = ["javac", "-cp", cls._jars(), "-d", ".", str(cls._source())]
        bring(compiler, cls._classes(), f"{cls.name} by javac")

    @classmethod
    def _folder(cls) -> Path:
        return cached(f"{cls.name.replace(' ', '-').lower()}-{cls.version}")

    @classmethod
    def _jars(cls) -> str:
        return f"{cls._folder()}/lib/*"

    @classmethod
    def _source(cls) -> Path:
        return Path(__file__).with_name(cls.source)

    @classmethod
    def _classes(cls) -> Path:
        """The source compiled, once: with each start it takes most of a second."""
        return cached(f"{cls._folder().name}/{digest(cls._source())[:12]}")

    def command(self) -> list[str]:
        path = f"{self._jars()}:{self._classes()}"
        return [
            "java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            *self.flags, "-cp", path, self._source().stem, *self.arguments(),
        ]  # fmt: skip

    def arguments(self) -> list[str]:
        """What the Java file is told."""
        return [str(self.port), str(self.folder)]
