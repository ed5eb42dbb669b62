"""The one door to Docker: its command line, as the user's own shell would run it.

The command line and no library, for only the command line knows the user's contexts,
credential helpers and buildx.
"""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from common import private
from common.errors import OperatorError
from launcher.image.docker_words import BUILDER, explain, last_line
from launcher.image.registry import check_login, is_absent
from launcher.preflight import CheckError

LABEL = "posture-launcher"
"""Label of the containers that the launcher starts."""

_SELFTEST = "posture.selftest"
_QUICK = 8.0  # seconds for the engine to answer
_PATIENT = 60.0  # seconds for a registry, or for the image to find a pose
_ENGINE = "start Docker (sudo systemctl start docker), or name its host: DOCKER_HOST"
_PODMAN = "install Docker's engine with buildx, or build elsewhere and use --skip-build"
_DRIVER = re.compile(r"^Driver: +(\S+)", re.MULTILINE)


class Docker:
    """The engine that the `docker` command reaches."""

    def __init__(self, log: Path, environ: Mapping[str, str] = os.environ) -> None:
        """Prepare; the output of long commands is added to the file `log`."""
        self._log = log
        self._environ = dict(environ)

    def check_engine(self) -> str:
        """The engine's version.

        Raises:
            CheckError: it does not answer.
        """
        version = "{{.Server.Version}}, {{.Server.Os}}/{{.Server.Arch}}"
        done = self._checked(["version", "--format", version], _ENGINE)
        if "podman" in (done.stdout + done.stderr).lower():
            raise CheckError(
                "docker is podman here, which has no buildx that pushes", _PODMAN
            )
        if done.returncode:
            raise CheckError(f"docker version: {last_line(done.stderr)}", _ENGINE)
        return done.stdout.strip()

    def _checked(
        self, arguments: list[str], remedy: str
    ) -> "subprocess.CompletedProcess[str]":
        try:
            return self._run(arguments)
        except OperatorError as error:
            raise CheckError(str(error), remedy) from error

    def check_buildx(self, platforms: Sequence[str]) -> str:
        """The builder that will be used.

        Raises:
            CheckError: there is none, or it cannot build for all `platforms`.
        """
        try:
            described = self._ask("buildx", "inspect")
        except OperatorError as error:
            raise CheckError(
                str(error), "install buildx: apt-get install docker-buildx-plugin"
            ) from error
        lines = (line.partition(":") for line in described.splitlines())
        facts = {key.strip(): value.strip() for key, _, value in lines if value.strip()}
        driver = facts.get("Driver", "unknown")
        if "Error" in facts:
            raise CheckError(
                f"the builder {facts.get('Name')} does not answer: {facts['Error']}",
                f"docker buildx use default, or another builder: {BUILDER}",
            )
        if (
            driver == "docker"
            and len(platforms) > 1
            and not self._has_containerd_store()
        ):
            raise CheckError(
                f"the builder {facts.get('Name')} cannot build for "
                f"{' and '.join(platforms)} at once",
                BUILDER,
            )
        return f"builder {facts.get('Name')} ({driver})"

    def _attests(self) -> bool:
        driver = self._driver()
        return driver not in ("", "docker") or self._has_containerd_store()

    def _driver(self) -> str:
        """What kind of builder builds, as far as it says so."""
        try:
            found = _DRIVER.search(self._ask("buildx", "inspect"))
        except OperatorError:
            return ""
        return found[1] if found else ""

    def _has_containerd_store(self) -> bool:
        return "io.containerd.snapshotter" in self._ask(
            "info", "--format", "{{json .DriverStatus}}"
        )

    def check_login(self, repository: str) -> str:
        """Whether this user has logged in to the registry of `repository`.

        Raises:
            CheckError: not logged in, or Docker could not use the login.
            Doubt: no login is known, and it may want none.
        """
        return check_login(repository, self._environ)

    def digest(self, image: str) -> str | None:
        """The digest of an image in its registry, None if it is not there to be seen.

        Raises:
            OperatorError: the registry does not answer.
        """
        inspect = ["buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}"]
        done = self._run([*inspect, image], _PATIENT)
        if done.returncode == 0:
            digest: str = json.loads(done.stdout)["digest"]
            return digest
        if is_absent(done.stderr):
            return None
        raise OperatorError(explain(done.stderr, image))

    def build(
        self,
        root: Path,
        repository: str,
        tags: Sequence[str],
        platforms: Sequence[str],
        arguments: Mapping[str, str],
        dockerfile: str = "Dockerfile",
        *,
        attest: bool = False,
        fresh: bool = False,
    ) -> str:
        """Build the image in `root` for all `platforms` and push it; gives its digest.

        With `attest` a bill of materials and the way it was built are pushed with it,
        where the builder can; with `fresh` nothing is taken from an earlier build.

        Raises:
            OperatorError: the build or the push failed; says what mends it.
        """
        facts = self._log.with_name("built.json")
        command = ["docker", "buildx", "build", "--progress", "plain", "--push"]
        command += ["--platform", ",".join(platforms), "--metadata-file", str(facts)]
        command += ["--file", str(root / dockerfile)]
        if fresh:
            command += ["--no-cache", "--pull"]
        if attest and self._attests():
            command += ["--sbom=true", "--provenance=mode=max"]
        for tag in tags:
            command += ["--tag", f"{repository}:{tag}"]
        for name, value in arguments.items():
            command += ["--build-arg", f"{name}={value}"]
        said = self._long([*command, str(root)])
        if said:
            why = explain(said, repository, self._driver())
            raise OperatorError(f"{why}; all of it: {self._log}")
        digest: str = json.loads(facts.read_text())["containerimage.digest"]
        return digest

    def try_image(self, image: str) -> str:
        """Let the image find a pose, locked in as in the cluster, if it is here.

        Raises:
            OperatorError: it cannot.
        """
        done = self._run(
            [
                *("run", "--rm", "--pull", "never", "--label", LABEL),
                *("--read-only", "--network", "none", "--cap-drop", "ALL"),
                *("--entrypoint", "python3", image, "-m", _SELFTEST),
            ],
            _PATIENT,
        )
        if done.returncode == 125 and _is_no_copy(done.stderr):
            return "not tried: this engine keeps no copy"
        if done.returncode:
            raise OperatorError(
                f"the image {image} cannot find a pose: {last_line(done.stderr)}; "
                f"see it: docker run --rm --entrypoint python3 {image} -m {_SELFTEST}"
            )
        return "tried"

    def remove_containers(self, *, dry_run: bool = False) -> list[str]:
        """Remove the containers that the launcher has started; gives their ids.

        Raises:
            OperatorError: Docker refuses.
        """
        found = self._ask("ps", "-aq", "--filter", f"label={LABEL}").split()
        if found and not dry_run:
            self._ask("rm", "-f", *found)
        return found

    def _ask(self, *arguments: str) -> str:
        done = self._run(list(arguments))
        if done.returncode:
            command = " ".join(["docker", *arguments[:2]])
            raise OperatorError(f"{command}: {last_line(done.stderr)}")
        return done.stdout.strip()

    def _run(
        self, arguments: list[str], limit: float = _QUICK
    ) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                ["docker", *arguments],
                capture_output=True,
                text=True,
                check=False,
                timeout=limit,
                stdin=subprocess.DEVNULL,
                env=self._environ,
            )
        except FileNotFoundError:
            raise OperatorError(
                "docker is not installed: https://docs.docker.com/engine/install/"
            ) from None
        except subprocess.TimeoutExpired:
            raise OperatorError(
                f"docker {arguments[0]}: no answer within {limit:g} s"
            ) from None

    def _long(self, command: list[str]) -> str:
        """Run it with its output in the log; gives the end of that if it failed."""
        with os.fdopen(private.append_to(self._log), "ab") as output:
            begin = output.tell()
            done = subprocess.run(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                check=False,
                env=self._environ,
            )
        if done.returncode == 0:
            return ""
        said = self._log.read_bytes()[begin:].decode(errors="replace").strip()
        return said[-4000:] or f"docker ended with {done.returncode}"


def _is_no_copy(said: str) -> bool:
    return "no such image" in said.lower() or "unable to find image" in said.lower()
