"""Brokers in Java: their jars by Maven, each started by a few lines of Java."""

import shutil
from pathlib import Path

from tests.brokers.servers.server import MissingError, Server, bring, cached

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
    """Started by the file `<class name>.java` beside this one."""

    packages: tuple[str, ...] = ()
    """GROUP:ARTIFACT of Maven Central, all of `version`."""
    flags: tuple[str, ...] = ()
    source = ""
    """Name of the Java file, if it is not the class's."""

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

    @classmethod
    def _folder(cls) -> Path:
        return cached(f"{cls.name.replace(' ', '-').lower()}-{cls.version}")

    def command(self) -> list[str]:
        jars = f"{self._folder()}/lib/*"
        source = Path(__file__).with_name(self.source or f"{type(self).__name__}.java")
        return [
            "java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            *self.flags, "-cp", jars, str(source), *self.arguments(),
        ]  # fmt: skip

    def arguments(self) -> list[str]:
        """What the Java file is told."""
        return [str(self.port), str(self.folder)]
