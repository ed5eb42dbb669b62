"""One box as its reader starts it, beside any that run already."""

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import urllib3

from tests.fixtures.engine import ROOT, docker
from tests.fixtures.net import PATIENCE, free_port, wait_until

PAGE = ROOT / "docs" / "one-box.md"
SERVICES = {"broker", "database", "worker", "retention", "page", "nudge", "camera"}
_PROJECT = "posture-test"


def documented(words: str) -> str:
    """The one line of docs/one-box.md that begins so, or goes on so after `sudo`."""
    lines = re.findall(r"^    (?:sudo )?(.*)$", PAGE.read_text(), re.MULTILINE)
    first, *others = [line for line in lines if line.startswith(words)]
    assert set(others) <= {first}
    return first


def _health(status: str) -> str:
    """Of a status such as `Up 5 seconds (health: starting)`, where it tells one."""
    told = re.search(r"\((?:health: )?(\w+)\)$", status)
    return told[1] if told else ""


class Compose:
    """The services, with ports of their own; `.env` is written line by line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        override = folder / "override.yml"
        # Packages may be had on this machine's loopback only.
        build = {"build": {"network": "host"}}
        override.write_text(json.dumps({"services": {"worker": build, "setup": build}}))
        self._env = folder / "env"
        self.page_port, self.camera_port = free_port(), free_port()
        self.set(
            BROKER_PORT=str(free_port()),
            PAGE_PORT=str(self.page_port),
            CAMERA_PORT=str(self.camera_port),
            SECONDS_BETWEEN="1",
        )
        self._command = (
            *("docker", "compose", "--project-name", _PROJECT),
            *("--project-directory", str(ROOT), "--env-file", str(self._env)),
            *("--file", str(ROOT / "docker-compose.yml"), "--file", str(override)),
            *("--profile", "demo"),
        )

    def set(self, **settings: str) -> None:
        with self._env.open("a") as file:
            file.writelines(f"{name}={text}\n" for name, text in settings.items())

    def run(self, *arguments: str, check: bool = True, timeout: float = 1800) -> str:
        return docker(*self._command[1:], *arguments, check=check, timeout=timeout)

    def shell(self, line: str, folder: Path) -> str:
        """Run a line of the documentation, redirections and all, in a folder."""
        assert line.startswith("docker compose ")
        own = " ".join(f"'{word}'" for word in self._command)
        done = subprocess.run(
            ["bash", "-c", own + line.removeprefix("docker compose")],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    def sql(self, statement: str) -> list[str]:
        # By the container's name: compose takes three times as long to start.
        psql = ("psql", "-U", "analyzer", "posture", "--tuples-only", "--csv", "-c")
        return docker("exec", f"{_PROJECT}-database-1", *psql, statement).splitlines()

    def rows(self, pi: str) -> int:
        lines = self.sql("SELECT pi_id FROM posture_log")
        return lines.count(pi)

    def states(self) -> dict[str, str]:
        """Each service that runs, and whether it is healthy."""
        label = "com.docker.compose"
        shown = f'{{{{.Label "{label}.service"}}}} {{{{.State}}}} {{{{.Status}}}}'
        ours = f"label={label}.project={_PROJECT}"
        lines = docker("ps", "--filter", ours, "--format", shown).splitlines()
        found = (line.split(maxsplit=2) for line in lines)
        return {service: _health(status) or state for service, state, status in found}

    def check(self, service: str, **environ: str) -> str:
        """What the health check of a service says, with other settings."""
        container = f"{_PROJECT}-{service}-1"
        shown = docker("inspect", "--format", "{{json .Config.Healthcheck}}", container)
        _, *command = json.loads(shown)["Test"]
        given = [f"--env={name}={text}" for name, text in environ.items()]
        return docker("exec", *given, container, *command, check=False)

    def wait_until_all_is_up(self) -> None:
        def up() -> bool:
            states = self.states()
            good = all(state in ("healthy", "running") for state in states.values())
            return states.keys() == SERVICES and good

        wait_until(up, "all services are up", 180, 1)

    def secrets(self) -> list[str]:
        """Every password that there is in a file."""
        kinds = ("broker", "database", "reader", "keeper")
        mounts = [f"--volume={_PROJECT}_{each}-secret:/{each}:ro" for each in kinds]
        files = [f"/{each}/password" for each in kinds]

        def all_of_them() -> list[str]:
            # What a container says before it ends can be lost on a busy machine.
            image = "posture-page:local"
            said = docker("run", "--rm", "--entrypoint", "cat", *mounts, image, *files)
            found = said.split()
            return found if len(found) == len(kinds) else []

        return wait_until(all_of_them, "each secret has a password")

    def login(self, password: str, scheme: str = "http") -> int:
        """The status that a browser gets for the cameras after it has logged in."""
        pool = urllib3.PoolManager(cert_reqs="CERT_NONE")
        urllib3.disable_warnings()  # the box's certificate is its own
        at = f"{scheme}://127.0.0.1:{self.page_port}"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": at}

        def ask(method: str, path: str, **fields: str) -> urllib3.BaseHTTPResponse:
            return pool.request(
                method,
                at + path,
                body=urlencode(fields) or None,
                headers=headers | ({"Cookie": cookie} if cookie else {}),
                redirect=False,
                retries=False,
                timeout=30 * PATIENCE,
            )

        cookie = ""
        form = ask("GET", "/login")
        cookie = form.headers["Set-Cookie"].partition(";")[0]
        token = re.search(r'name="token" value="([^"]+)"', form.data.decode())
        assert token
        done = ask("POST", "/login", token=token[1], password=password)
        if "Set-Cookie" in done.headers:
            cookie = done.headers["Set-Cookie"].partition(";")[0]
        return ask("GET", "/").status
