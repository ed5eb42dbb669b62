"""docker-compose.yml, read and run by a real Docker engine."""

import subprocess

import pytest

from tests.fixtures.engine import ROOT, docker
from tests.fixtures.net import free_port, wait_until

PASSWORDS = ("MQTT_PASSWORD", "SUPABASE_PASSWORD", "GRAFANA_PASSWORD")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """The example with its passwords set, as a reader would."""
    text = (ROOT / ".env.example").read_text()
    for name in PASSWORDS:
        assert f"{name}=\n" in text
        text = text.replace(f"{name}=\n", f"{name}=x\n")
    path = tmp_path_factory.mktemp("compose") / "env"
    path.write_text(text)
    return path


@pytest.mark.parametrize("profile", [(), ("--profile", "monitoring")])
def test_compose_reads_it(engine, settings, profile):
    docker("compose", *profile, "--env-file", str(settings), "config", "--quiet")


class Compose:
    """The services as a reader starts them, beside any that run already."""

    def __init__(self, folder, settings):
        override = folder / "override.yml"
        # Packages may be had on this machine's loopback only.
        override.write_text("services: {worker: {build: {network: host}}}")
        with settings.open("a") as file:
            file.write(f"BROKER_PORT={free_port()}\nSECONDS_BETWEEN=1\n")
        self._command = (
            *("compose", "--project-name", "posture-test"),
            *("--project-directory", str(ROOT), "--env-file", str(settings)),
            *("--file", str(ROOT / "docker-compose.yml"), "--file", str(override)),
        )

    def run(self, *arguments, check=True):
        return docker(*self._command, *arguments, check=check)

    def rows(self):
        """Rows of the table, asked for as docker-compose.yml says."""
        psql = ("psql", "-U", "analyzer", "posture", "--tuples-only", "--csv", "-c")
        asked = self.run("exec", "-T", "database", *psql, "table posture_log")
        return asked.splitlines()


@pytest.fixture(scope="module")
def compose(engine, settings, tmp_path_factory):
    made = Compose(tmp_path_factory.mktemp("override"), settings)
    try:
        made.run("up", "--detach", "--build", "--wait")
    except (AssertionError, subprocess.TimeoutExpired):
        print(made.run("logs", check=False))
        made.run("down", "--volumes", check=False)
        raise
    yield made
    made.run("down", "--volumes", "--timeout", "30")


def test_compose_up_makes_rows_and_pictures(compose, tmp_path):
    wait_until(lambda: len(compose.rows()) >= 3, "three rows", 60, 0.5)
    compose.run("cp", "worker:/app/analyzed_images", str(tmp_path))
    kept = tmp_path / "analyzed_images" / "analyzed_images_from_camera-1"
    assert len(list(kept.glob("*.jpg"))) >= 3
    assert all({"camera-1", "compose"} <= {*row.split(",")} for row in compose.rows())


def test_a_worker_of_compose_ends_gently(compose):
    compose.run("stop", "--timeout", "30", "worker")
    listed = compose.run("ps", "--all", "--format", "{{.Service}} {{.ExitCode}}")
    assert "worker 0" in listed.splitlines()
