"""The one door to Docker: its command line, as the user's own shell would run it.

The command line and no library, for only the command line knows the user's contexts,
credential helpers and buildx.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from common import private
from common.errors import OperatorError
from launcher.preflight import CheckError, Doubt

LABEL = "posture-launcher"
"""Label of the containers that the launcher starts."""

_SELFTEST = "posture.selftest"
_QUICK = 8.0  # seconds for the engine to answer
_PATIENT = 60.0  # seconds for a registry, or for the image to find a pose
_ENGINE = "start Docker (sudo systemctl start docker), or name its host: DOCKER_HOST"
_BUILDER = "docker buildx create --name posture --driver docker-container --use"
# What a failing build says, and what mends it.
_REMEDIES = {
    "no space left on device": "free some space: docker builder prune",
    "multi-platform build is not supported": _BUILDER,
    "multiple platforms feature is currently not supported": _BUILDER,
    "unauthorized": "docker login {registry}",
    "denied": "docker login {registry}, as a user who may push to {repository}",
    "insufficient_scope": "docker login {registry}, as a user who may push",
    "connection refused": "check that the registry {registry} runs and can be reached",
    "no such host": "check the name {registry}, and this machine's DNS",
    "server gave http response to https client": (
        'add "insecure-registries": ["{registry}"] to the engine\'s daemon.json'
    ),
    "certificate signed by unknown authority": (
        "give the engine the registry's CA: /etc/docker/certs.d/{registry}/ca.crt"
    ),
}


_HUB = "docker.io"
_HUB_LOGIN = "https://index.docker.io/v1/"  # what `docker login` files it under


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
        try:
            return self._ask("version", "--format", version)
        except OperatorError as error:
            raise CheckError(str(error), _ENGINE) from error

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
        if (
            driver == "docker"
            and len(platforms) > 1
            and not self._has_containerd_store()
        ):
            raise CheckError(
                f"the builder {facts.get('Name')} cannot build for "
                f"{' and '.join(platforms)} at once",
                _BUILDER,
            )
        return f"builder {facts.get('Name')} ({driver})"

    def _has_containerd_store(self) -> bool:
        return "io.containerd.snapshotter" in self._ask(
            "info", "--format", "{{json .DriverStatus}}"
        )

    def check_login(self, repository: str) -> str:
        """Whether this user has logged in to the registry of `repository`.

        Raises:
            CheckError: not logged in.
        """
        registry = registry_of(repository)
        if is_local(registry):
            return f"{registry} is on this machine"
        folder = Path(self._environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
        try:
            settings = json.loads((folder / "config.json").read_text())
        except FileNotFoundError:
            settings = {}
        except (OSError, ValueError) as error:
            raise CheckError(
                f"{folder / 'config.json'} cannot be read: {error}",
                "mend or remove it, then: docker login",
            ) from error
        key = login_key(registry)
        if key in settings.get("auths", {}) or key in settings.get("credHelpers", {}):
            return f"logged in to {registry}"
        problem = f"no login for {registry} is known"
        if registry_of("x/y") == registry:
            raise CheckError(problem, "docker login")
        raise Doubt(problem, f"if it wants one: docker login {registry}")

    def digest(self, image: str) -> str | None:
        """The digest of an image in its registry, None if it is not there.

        Raises:
            OperatorError: the registry does not answer.
        """
        inspect = ["buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}"]
        done = self._run([*inspect, image], _PATIENT)
        if done.returncode == 0:
            digest: str = json.loads(done.stdout)["digest"]
            return digest
        if "not found" in done.stderr.lower():
            return None
        raise OperatorError(_explain(done.stderr, image))

    def build(
        self,
        root: Path,
        repository: str,
        tags: Sequence[str],
        platforms: Sequence[str],
        arguments: Mapping[str, str],
        dockerfile: str = "Dockerfile",
    ) -> str:
        """Build the image in `root` for all `platforms` and push it; gives its digest.

        Raises:
            OperatorError: the build or the push failed; says what mends it.
        """
        facts = self._log.with_name("built.json")
        command = ["docker", "buildx", "build", "--progress", "plain", "--push"]
        command += ["--platform", ",".join(platforms), "--metadata-file", str(facts)]
        command += ["--file", str(root / dockerfile)]
        for tag in tags:
            command += ["--tag", f"{repository}:{tag}"]
        for name, value in arguments.items():
            command += ["--build-arg", f"{name}={value}"]
        said = self._long([*command, str(root)])
        if said:
            raise OperatorError(f"{_explain(said, repository)}; all of it: {self._log}")
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
        if done.returncode == 125 and _is_absent(done.stderr):
            return "not tried: this engine keeps no copy"
        if done.returncode:
            raise OperatorError(
                f"the image {image} cannot find a pose: {_last_line(done.stderr)}; "
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
            raise OperatorError(f"{command}: {_last_line(done.stderr)}")
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


def _is_absent(said: str) -> bool:
    return "no such image" in said.lower() or "unable to find image" in said.lower()


def _explain(said: str, repository: str) -> str:
    registry = registry_of(repository)
    for words, remedy in _REMEDIES.items():
        if words in said.lower():
            mend = remedy.format(registry=registry, repository=repository)
            return f"{_last_line(said)} (mend: {mend})"
    return _last_line(said)


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:400] if lines else "no output"


def registry_of(repository: str) -> str:
    """The host that a repository is on."""
    host, slash, _ = repository.partition("/")
    named = slash and ("." in host or ":" in host or host == "localhost")
    return host if named else _HUB


def login_key(registry: str) -> str:
    """The name under which Docker's config.json keeps the login for a registry."""
    return _HUB_LOGIN if registry == _HUB else registry


def is_local(registry: str) -> bool:
    """Whether the registry is on this machine, where Docker asks for no TLS."""
    return registry.partition(":")[0] in ("localhost", "127.0.0.1", "[::1]")
