"""The alert rules and Prometheus' settings, as Prometheus' own tool reads them."""

import subprocess

import pytest
import yaml

from common import options
from page.settings import PageSettings
from placement.settings import WatcherSettings
from scaler.settings import ScalerSettings
from tests.fixtures.dashboards import MONITORING, ROOT, alerts

DOCUMENT = (ROOT / "docs" / "monitoring.md").read_text()
NAMES = [each["alert"] for each in alerts()]


def promtool(*arguments: object):
    return subprocess.run(
        ["promtool", *map(str, arguments)],
        cwd=MONITORING,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_alert_fires_when_it_should_and_only_then():
    done = promtool("test", "rules", "alerts.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_rules():
    done = promtool("check", "rules", "alerts.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", alerts(), ids=NAMES)
def test_an_alert_says_what_is_wrong_and_what_to_do(rule):
    assert set(rule["annotations"]) == {"summary", "action"}
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert f"alertname: {rule['alert']}" in SCENES or f'"{rule["alert"]}"' in SCENES
    assert f"`{rule['alert']}`" in DOCUMENT


SCENES = (MONITORING / "alerts.test.yml").read_text()


def test_no_alert_is_named_twice_or_only_documented():
    assert len(NAMES) == len(set(NAMES))
    documented = {
        line.split("`")[1] for line in DOCUMENT.splitlines() if line[:9] == "| `Postur"
    }
    assert {each for each in documented if "_" not in each} == set(NAMES)


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-cluster.yml"])
def test_prometheus_takes_its_settings(name, tmp_path):
    (tmp_path / "alerts.yml").write_text((MONITORING / "alerts.yml").read_text())
    settings = yaml.safe_load((MONITORING / name).read_text())
    for job in settings["scrape_configs"]:
        # Debian's Prometheus is built without Kubernetes; everything else is checked.
        job.pop("kubernetes_sd_configs", None)
    (tmp_path / name).write_text(yaml.safe_dump(settings))
    done = promtool("check", "config", tmp_path / name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_scraped_is_what_listens():
    settings = yaml.safe_load((MONITORING / "prometheus-cluster.yml").read_text())
    ports = {
        job["job_name"]: int(job["static_configs"][0]["targets"][0].rpartition(":")[2])
        for job in settings["scrape_configs"]
        if "static_configs" in job
    }
    assert ports == {
        "posture-watcher": int(default(WatcherSettings, "WATCHER_PORT")),
        "posture-scaler": int(default(ScalerSettings, "SCALER_METRICS_PORT")),
        "posture-page": int(default(PageSettings, "PAGE_PORT")),
    }


def default(settings, variable):
    (found,) = [
        each.default for each in options.options_of(settings) if each.env == variable
    ]
    return found


def test_what_is_scraped_by_compose_is_what_listens_there():
    settings = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    targets = [
        job["static_configs"][0]["targets"] for job in settings["scrape_configs"]
    ]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    port = services["worker"]["environment"]["METRICS_PORT"]
    assert targets == [[f"worker:{port}"], ["127.0.0.1:8090"]]
    # The page asks for no login on a loopback that it shares with Prometheus alone.
    figures = services["figures"]
    assert figures["network_mode"] == "service:prometheus"
    assert figures["environment"]["PAGE_LISTEN"] == "127.0.0.1"
    assert "ports" not in figures
