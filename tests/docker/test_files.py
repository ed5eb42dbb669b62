"""Dockerfile, compose file and broker settings: what can be seen without an engine."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from common.options import options_of
from common.status_port import StatusPort
from posture.vision.camera_settings import CameraSettings
from tests.fixtures.pins import pins_of
from tools.base import DOCKERFILES

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def instructions(dockerfile=DOCKERFILE):
    """Instruction and rest of each logical line of a Dockerfile."""
    code = re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", code).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def final_stage(dockerfile=DOCKERFILE):
    lines = instructions(dockerfile)
    last = max(number for number, line in enumerate(lines) if line[0] == "FROM")
    return lines[last + 1 :]


def test_nothing_of_the_target_runs_while_it_is_built():
    stages = [rest for word, rest in instructions() if word == "FROM"]
    assert stages[0].startswith("--platform=$BUILDPLATFORM ${PYTHON_IMAGE}")
    assert all(stage.startswith("build AS") for stage in stages[1:-1])
    assert stages[-1] == "${PYTHON_IMAGE}"
    assert "RUN" not in [word for word, _ in final_stage()]


def _copy(source, folder):
    if source.is_dir():
        shutil.copytree(source, folder, dirs_exist_ok=True)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, folder)


def test_the_stage_that_makes_the_models_has_all_it_imports(tmp_path):
    models = re.search(r"AS models\n(.*?)\nFROM", DOCKERFILE.read_text(), re.DOTALL)[1]
    text = models.replace("\\\n", " ")
    for line in re.findall(r"^COPY (?!model)(.*)$", text, re.MULTILINE):
        *sources, target = line.split()
        for name in sources:
            _copy(ROOT / name, tmp_path / target)
    command = [sys.executable, "-P", "-m", "posture.models", "--help"]
    environ = {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        command, cwd="/", env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_base_is_pinned_by_an_argument():
    (base,) = [rest for word, rest in instructions() if word == "ARG"][:1]
    digest = r"(@sha256:[0-9a-f]{64})?"  # python -m tools.base
    assert re.fullmatch(rf"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+{digest}", base)


def test_it_does_not_run_as_root():
    users = [rest for word, rest in final_stage() if word == "USER"]
    assert users == [
        "10001:10001"
    ]  # numbers, so that a cluster can tell it is not root


def test_what_is_copied_is_let_through_to_the_build():
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and not rest.startswith("--")
        for source in rest.split()[:-1]
    }
    assert "retention.py" in copied
    for source in copied - {"model[s]"}:  # the bundles, if there are any
        assert {f"!{source}", f"!{source.partition('/')[0]}"} & {*ignore}, source


def test_it_has_a_health_check_and_starts_without_a_shell():
    words = dict(final_stage())
    assert words["HEALTHCHECK"].endswith('CMD ["bash", "/app/posture/health.sh"]')
    assert words["ENTRYPOINT"].startswith('["python3"')


@pytest.mark.parametrize(
    "dockerfile",
    DOCKERFILES,
)
def test_every_package_is_installed_by_its_hash(dockerfile):
    lines = instructions(ROOT / dockerfile)
    installing = [rest for _, rest in lines if "pip install" in rest]
    assert installing
    there = {
        Path(source).name: source
        for word, rest in lines
        if word == "COPY"
        for source in rest.split()[:-1]
    }
    for command in installing:
        (file,) = re.findall(r"--require-hashes --requirement (\S+)", command)
        assert pins_of(ROOT / there[file])
        after = command.partition(file)[2].partition("&&")[0]
        assert not after.replace("\\", "").strip()


def test_apt_leaves_no_lists_in_the_image():
    # Only stages that are thrown away call apt.
    assert "apt-get" not in " ".join(rest for _, rest in final_stage())


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_is_pinned_and_never_privileged(name):
    service = COMPOSE["services"][name]
    assert not service.get("privileged")
    assert "latest" not in service.get("image", "")
    here = ("127.0.0.1:", "${BOX_ADDRESS:-127.0.0.1}:")
    assert all(str(port).startswith(here) for port in service.get("ports", ()))
    assert service["mem_limit"]


def alive(port, name="page"):
    """What a service's health check says where its port is this one."""
    service = COMPOSE["services"][name]
    word, *command = service["healthcheck"]["test"]
    assert word == "CMD"
    given = {"PAGE_PROBE_PORT", "METRICS_PORT"} & service["environment"].keys()
    assert len(given) == 1
    return subprocess.run(
        [each.replace("$$", "$") for each in command],
        env={"PATH": os.environ["PATH"], given.pop(): str(port)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["page", "nudge", "figures"])
def test_a_service_is_healthy_while_it_answers_that_it_is_alive(name):
    standstill = []
    port = StatusPort(
        "127.0.0.1",
        0,
        CollectorRegistry(),
        trouble=lambda: "no database: no reason to start it anew",
        standstill=lambda: standstill[0] if standstill else None,
    )
    try:
        assert alive(port.port, name).returncode == 0
        standstill.append("stuck")
        done = alive(port.port, name)
        assert done.returncode == 1
        assert "503 Service Unavailable" in done.stdout  # docker inspect shows it
    finally:
        port.close()
    assert alive(port.port, name).returncode == 1  # nobody listens


def test_a_service_that_takes_a_connection_and_says_nothing_is_not_healthy():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert alive(silent.getsockname()[1]).returncode == 1


ONCE = {"setup", "tables"}  # they end when they are done


def test_every_service_that_serves_has_a_health_check():
    for name in ("broker", "database", "page", "nudge", "figures", "prometheus"):
        assert COMPOSE["services"][name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(COMPOSE["services"].keys() - ONCE))
def test_every_service_is_back_after_a_reboot(name):
    assert COMPOSE["services"][name]["restart"] == "unless-stopped"


def test_the_worker_is_locked_in():
    worker = COMPOSE["services"]["worker"]
    assert worker["read_only"]
    assert worker["cap_drop"] == ["ALL"]
    assert worker["networks"] == ["posture"]
    assert COMPOSE["networks"]["posture"] == {"internal": True}
    assert "play.googleapis.com:127.0.0.1" in worker["extra_hosts"]


def test_a_new_installation_keeps_blurred_pictures_for_a_month():
    configmap = yaml.safe_load((ROOT / "deploy/configmap.example.yaml").read_text())
    example = (ROOT / ".env.example").read_text().splitlines()
    worker = COMPOSE["services"]["worker"]["environment"]
    for name, text in {"STORE": "blurred", "PICTURE_DAYS": "30"}.items():
        assert configmap["data"][name] == text
        assert f"{name}={text}" in example
        assert text in worker[name]


def test_what_is_said_of_cameras_reaches_the_office_s_worker():
    said = {each.env for each in options_of(CameraSettings)}
    assert said <= COMPOSE["services"]["worker"]["environment"].keys()


def test_no_password_is_written_down():
    for line in (ROOT / ".env.example").read_text().splitlines():
        assert "PASSWORD" not in line or line.startswith("#") or line.endswith("=")
    for service in COMPOSE["services"].values():
        for name, value in service["environment"].items():
            known = ("${", "/secrets/")
            assert "PASSWORD" not in name or value.startswith(known), name


def test_only_what_makes_the_passwords_may_be_given_any():
    for name, service in COMPOSE["services"].items():
        given = {each for each in service["environment"] if each.endswith("PASSWORD")}
        assert not given or name in {"setup", "grafana"}


def test_monitoring_is_asked_for_and_costs_nobody_else_a_setting():
    asked = re.compile(r"(\w+):\?")
    usual = set(asked.findall(str(COMPOSE["services"])))
    assert not usual
    for name in ("prometheus", "figures", "grafana"):
        service = COMPOSE["services"][name]
        assert service["profiles"] == ["monitoring"]
        assert set(asked.findall(str(service))) <= usual
        assert service["cap_drop"] == ["ALL"]


def test_grafana_takes_no_empty_password():
    (script,) = COMPOSE["services"]["grafana"]["entrypoint"][2:]
    run = ["sh", "-c", script.replace("$$", "$").replace("/run.sh", "true")]
    empty = {"GF_SECURITY_ADMIN_PASSWORD": "", "PATH": os.environ["PATH"]}
    done = subprocess.run(run, env=empty, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "GRAFANA_PASSWORD" in done.stderr
    given = empty | {"GF_SECURITY_ADMIN_PASSWORD": "x"}
    assert subprocess.run(run, env=given, check=False).returncode == 0


def test_grafana_reports_nothing_and_fetches_nothing():
    told = COMPOSE["services"]["grafana"]["environment"]
    for name in ("REPORTING", "FEEDBACK_LINKS"):
        assert told[f"GF_ANALYTICS_{name}_ENABLED"] == "false"
    for name in ("UPDATES", "PLUGIN_UPDATES"):
        assert told[f"GF_ANALYTICS_CHECK_FOR_{name}"] == "false"
    assert told["GF_NEWS_NEWS_FEED_ENABLED"] == "false"
    assert told["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert told["GF_SECURITY_DISABLE_GRAVATAR"] == "true"


def test_the_broker_settings_lose_nothing():
    lines = (ROOT / "deploy" / "mosquitto.conf").read_text().splitlines()
    told = dict(line.split(maxsplit=1) for line in lines if line and line[0] != "#")
    assert told["persistence"] == "true"
    assert told["max_queued_messages"] == "1000000"
    assert int(told["max_packet_size"]) >= 14_000_000
    assert told["allow_anonymous"] == "false"
