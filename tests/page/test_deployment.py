"""What deploy/ has for the live page: manifest, role and probes."""

import copy

import pytest
import urllib3
import yaml

from common import options
from page.settings import PageSettings
from tests.fixtures.net import free_port, wait_until
from tests.fixtures.postgres import PASSWORD
from tests.fixtures.worker import ROOT

DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def manifests():
    text = (DEPLOY / "page.yaml").read_text()
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


@pytest.fixture(scope="module")
def container(manifests):
    (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    return container


def test_its_pods_pass_the_strictest_pod_security(control_plane, manifests):
    template = copy.deepcopy(manifests["Deployment"]["spec"]["template"])
    template["metadata"]["name"] = "page"
    pod = {"apiVersion": "v1", "kind": "Pod"} | template
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    with control_plane.namespace() as namespace:
        control_plane.label("namespace", namespace, level)
        control_plane.apply(pod, namespace=namespace)


def test_service_and_policy_mean_its_pods(manifests):
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    policy = manifests["NetworkPolicy"]["spec"]
    for selector in (
        manifests["Deployment"]["spec"]["selector"]["matchLabels"],
        manifests["Service"]["spec"]["selector"],
        policy["podSelector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    (ingress,) = policy["ingress"]
    assert [each["port"] for each in ingress["ports"]] == [8090]


def test_it_is_told_nothing_that_the_page_does_not_know(container):
    known = {each.env for each in options.options_of(PageSettings)}
    assert {each["name"] for each in container["env"]} <= known
    secret = yaml.safe_load((DEPLOY / "page-secret.example.yaml").read_text())
    assert set(secret["stringData"]) <= known
    assert set(secret["stringData"].values()) == {""}
    lines = (DEPLOY / "page.yaml").read_text().splitlines()
    names = {line.split()[-1] for line in lines if "# - name: PAGE" in line}
    assert names
    assert names <= known


def test_the_page_answers_its_probes_and_no_other_name(start_page, container):
    port = free_port()
    page = start_page(PAGE_HOSTS="posture.example.org", PAGE_PROBE_PORT=str(port))
    environ = {each["name"]: each["value"] for each in container["env"]}
    ports = {each["name"]: str(each["containerPort"]) for each in container["ports"]}
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[name]["httpGet"]
        assert ports[asked["port"]] == environ["PAGE_PROBE_PORT"]
        url = f"http://127.0.0.1:{port}{asked['path']}"
        assert urllib3.request("GET", url, headers={"Host": "10.42.0.7"}).status == 200
    assert page.get("/livez", Host="10.42.0.7:8090")[0] == 421


def test_it_lives_while_the_database_is_away(start_page, own_postgres):
    page = start_page()
    own_postgres.stop()
    wait_until(lambda: "database: " in page.log, "the loss is noticed")
    assert page.get("/healthz")[0] == 503
    assert page.get("/livez")[0] == 200


def test_the_role_for_it_reads_and_changes_nothing(start_page, own_postgres, rows):
    postgres = own_postgres
    postgres.execute((DEPLOY / "supabase_rls.sql").read_text())
    for _ in range(2):
        postgres.execute((DEPLOY / "posture_page_role.sql").read_text())
    quoted = PASSWORD.replace("'", "''")
    postgres.execute(f"ALTER ROLE posture_page PASSWORD '{quoted}'")
    number = rows.add("desk", "Bad", 44, 31)
    _, _, text = start_page(SUPABASE_USER="posture_page").get("/table.csv")
    assert f"{number},desk," in text
    rights = postgres.execute(
        "SELECT privilege_type FROM information_schema.role_table_grants "
        "WHERE grantee = 'posture_page'"
    )
    assert rights == [("SELECT",)]
