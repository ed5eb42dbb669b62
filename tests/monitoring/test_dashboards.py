"""Dashboards and alerts on a real Prometheus: they ask for what there is."""

import itertools
import re
import shutil
import subprocess

import pytest
import yaml

from tests.fixtures.control_plane import binaries
from tests.fixtures.dashboards import (
    DASHBOARDS,
    MONITORING,
    ROOT,
    alerts,
    names,
    panels,
    queries,
    read,
)
from tests.monitoring import keda

each_dashboard = pytest.mark.parametrize(
    "dashboard", DASHBOARDS, ids=lambda path: path.stem
)


@each_dashboard
def test_every_panel_shows_something_of_a_system_at_work(dashboard, scraped):
    empty = [
        (title, query)
        for title, query in queries(dashboard)
        if not scraped.query(query)
    ]
    assert not empty


def test_every_metric_of_an_alert_exists(scraped):
    known = scraped.query('count by (__name__) ({__name__!=""})')
    known = {each["metric"]["__name__"] for each in known}
    asked = {name for alert in alerts() for name in names(alert["expr"])}
    assert len(asked) > 15
    assert asked <= known


def test_every_label_that_an_alert_asks_for_exists(scraped):
    """A matcher on a label that no series has would never fire."""
    for alert in alerts():
        for name, matchers in re.findall(r"(\w+)\{([^}]*)\}", alert["expr"]):
            for label in re.findall(r"(\w+)[=!]", matchers):
                if (name, label) != ("posture_placement_decision_info", "node"):
                    assert scraped.query(f'{name}{{{label}!=""}}'), (name, label)


def test_keda_is_asked_for_nothing_that_it_does_not_tell():
    asked = {
        name
        for dashboard in DASHBOARDS
        for _, query in queries(dashboard)
        for name in names(query)
    }
    asked |= {name for alert in alerts() for name in names(alert["expr"])}
    assert {name for name in asked if name.startswith("keda_")} == set(keda.METRICS)


def test_no_identifier_is_used_twice():
    uids = [read(dashboard)["uid"] for dashboard in DASHBOARDS]
    assert len(uids) == len(set(uids)) == 2
    for dashboard in DASHBOARDS:
        numbers = [panel["id"] for panel in read(dashboard)["panels"]]
        assert len(numbers) == len(set(numbers))


@each_dashboard
def test_every_query_goes_to_the_chosen_data_source(dashboard):
    told = read(dashboard)
    source = {"type": "prometheus", "uid": "${datasource}"}
    first, *others = told["templating"]["list"]
    assert (first["name"], first["type"]) == ("datasource", "datasource")
    asking = [
        *others,
        *panels(dashboard),
        *(target for panel in panels(dashboard) for target in panel["targets"]),
    ]
    assert all(each["datasource"] == source for each in asking)


@each_dashboard
def test_a_variable_is_filled_from_a_metric_that_exists(dashboard, scraped):
    for variable in read(dashboard)["templating"]["list"][1:]:
        metric, label = re.fullmatch(
            r"label_values\((\w+), (\w+)\)", variable["query"]["query"]
        ).groups()
        assert scraped.query(f'{metric}{{{label}!=""}}')


@each_dashboard
def test_panels_say_what_they_show_and_do_not_overlap(dashboard):
    for panel in panels(dashboard):
        assert panel["title"]
        assert panel["description"]
    taken = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in read(dashboard)["panels"]
        for x, y in itertools.product(
            range(panel["gridPos"]["w"]), range(panel["gridPos"]["h"])
        )
    ]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


# It asks Go to build the program that checks, as the tests of the cluster do once.
@pytest.mark.cluster
@pytest.mark.skipif(
    not (shutil.which("go") and binaries()), reason="make test-cluster (needs Go)"
)
def test_dashboards_fit_the_schema_that_grafana_publishes(tmp_path):
    program = tmp_path / "check"
    subprocess.run(
        ["go", "build", "-o", program, "."],
        cwd=ROOT / "tests" / "monitoring" / "grafana",
        check=True,
    )
    done = subprocess.run(
        [program, *DASHBOARDS], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / "wrong.json"
    wrong.write_text(DASHBOARDS[0].read_text().replace('"expr"', '"query"', 1))
    done = subprocess.run([program, wrong], capture_output=True, text=True, check=False)
    assert "expr" in done.stdout


def test_what_grafana_is_started_with_leads_to_them():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    mounts = dict(
        each.split(":")[:2] for each in compose["services"]["grafana"]["volumes"]
    )
    assert mounts["./dashboards"] == "/dashboards"
    assert mounts["./deploy/monitoring/grafana"] == "/etc/grafana/provisioning"
    folder = MONITORING / "grafana"
    provider = yaml.safe_load((folder / "dashboards" / "posture.yml").read_text())
    assert provider["providers"][0]["options"]["path"] == "/dashboards"
    source = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())
    assert source["datasources"][0]["type"] == "prometheus"
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
