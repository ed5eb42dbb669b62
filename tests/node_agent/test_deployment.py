"""What is shipped for the agent: manifests, unit, image; scraped as they say."""

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from kube.nodes import Node
from node_agent.settings import AgentSettings
from placement.loads.prometheus import Prometheus
from placement.settings import LoadSettings, PrometheusSettings
from tests.docker.test_files import final_stage, instructions
from tests.fixtures.boards import nano, thor, xavier_nx
from tests.fixtures.net import wait_until
from tests.fixtures.node_agent import AgentProcess, running_agent
from tests.fixtures.prometheus import PrometheusServer
from tests.fixtures.settings import read_settings
from tests.fixtures.worker import ROOT

FOLDER = ROOT / "deploy/node-agent"
MANIFESTS = {
    each["kind"]: each
    for each in yaml.safe_load_all((FOLDER / "node-agent.yaml").read_text())
}
POD = MANIFESTS["DaemonSet"]["spec"]["template"]["spec"]


def monitored():
    """The one endpoint of the PodMonitor, as Prometheus' own file writes it."""
    monitor = yaml.safe_load((FOLDER / "pod-monitor.yaml").read_text())
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]

    def snake(name):
        return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)

    return {
        "honor_labels": endpoint["honorLabels"],
        "relabel_configs": [
            {snake(key): value for key, value in rule.items()}
            for rule in endpoint["relabelings"]
        ],
    }


class Scraped:
    """A Prometheus that has found agents as the PodMonitor says."""

    def __init__(self, folder, agents):
        self.server = PrometheusServer(folder / "prometheus")
        for node, agent in agents.items():
            self.server.scrape(
                agent,
                __meta_kubernetes_pod_node_name=node,
                namespace="posture-node-agent",
                pod=f"posture-node-agent-{node}",
                how=monitored(),
            )
        self.server.start()
        self.door = Prometheus(read_settings(PrometheusSettings, url=self.server.url))
        self.nodes = [Node(name, name) for name in agents]

    def readings(self):
        told = {"window": "1", "cpu_metrics": "none"}  # the boards' CPUs stand still
        settings = read_settings(LoadSettings, **told)
        return self.door.survey(self.nodes, settings).readings

    def wait(self, node, right):
        def reading():
            found = self.readings().get(node)
            return found if found and right(found) else None

        return wait_until(reading, node, 30, 0.1)


@pytest.fixture
def boards(tmp_path):
    made = {"nano": nano(tmp_path / "a"), "nx": xavier_nx(tmp_path / "b")}
    return made | {"thor": thor(tmp_path / "c")}


@pytest.fixture
def agents(tmp_path, boards):
    # The name is the Node's, whatever the board calls itself.
    started = {
        name: AgentProcess(tmp_path, NODE_NAME=name, **board.environ)
        for name, board in boards.items()
    }
    yield started
    for each in started.values():
        each.end()


def test_prometheus_knows_each_nodes_load_and_why_it_has_none(tmp_path, boards, agents):
    boards["nano"].tell(200)
    boards["nx"].tell(700)
    scraped = Scraped(tmp_path, agents)
    try:
        assert scraped.wait("nano", lambda r: r.load == 20).age < 20
        scraped.wait("nx", lambda r: r.load == 70)
        thor_ = scraped.wait("thor", lambda r: r.problem)
        assert thor_.load is None
        assert "no load file in /sys" in str(thor_.problem)
        boards["nano"].load_file.unlink()
        gone = scraped.wait("nano", lambda r: r.problem)
        assert gone.load is None
        agents["nx"].end()
        wait_until(lambda: "nx" not in scraped.readings(), "a dead agent", 30, 0.1)
        ((labels, up),) = [
            (each["metric"], each["value"][1])
            for each in scraped.server.query('up{node="nx"}')
        ]
        assert labels["job"] == "posture-node-agent"
        assert up == "0"
    finally:
        scraped.server.stop()


def test_of_two_exporters_on_one_node_the_higher_load_counts(tmp_path):
    first, second = nano(tmp_path / "a"), nano(tmp_path / "b")
    first.tell(100)
    second.tell(600)
    with (
        running_agent(tmp_path, NODE_NAME="n", **first.environ) as one,
        running_agent(tmp_path, NODE_NAME="n", **second.environ) as other,
    ):
        scraped = Scraped(tmp_path, {"n": one})
        scraped.server.stop()
        scraped.server.scrape(
            other, __meta_kubernetes_pod_node_name="n", how=monitored()
        )
        scraped.server.start()
        try:
            scraped.wait("n", lambda r: r.load == 60)
        finally:
            scraped.server.stop()


def test_it_reads_sys_and_can_change_nothing():
    (container,) = POD["containers"]
    (mount,) = container["volumeMounts"]
    assert mount["readOnly"]
    environ = {each["name"]: each.get("value") for each in container["env"]}
    assert environ["HOST_SYS"] == mount["mountPath"]
    assert POD["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is False


def test_the_port_is_the_agents_everywhere():
    port = read_settings(AgentSettings).port
    (container,) = POD["containers"]
    assert container["ports"][0]["containerPort"] == port
    policy = MANIFESTS["NetworkPolicy"]["spec"]
    assert policy["ingress"][0]["ports"][0]["port"] == port
    assert dict(instructions(FOLDER / "Dockerfile"))["EXPOSE"] == str(port)


def test_only_the_hostpath_and_its_port_keep_it_from_the_strictest_security(
    control_plane,
):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": POD}
    with control_plane.namespace() as namespace:
        level = {"pod-security.kubernetes.io/enforce": "restricted"}
        control_plane.label("namespace", namespace, level)
        with pytest.raises(AssertionError) as said:
            control_plane.apply(pod, namespace=namespace)
    words = str(said.value)
    assert "hostPath" in words
    assert "hostPort" in words
    for other in (
        "runAsNonRoot",
        "allowPrivilegeEscalation",
        "seccomp",
        "capabilities",
    ):
        assert other not in words


def test_what_is_shipped_is_valid_and_applying_it_twice_changes_nothing(
    control_plane,
):
    text = (FOLDER / "node-agent.yaml").read_text()
    own = MANIFESTS["Namespace"]["metadata"]["name"]
    apply = ["apply", "-n", own, "--validate=strict", "-f", "-"]
    control_plane.kubectl(*apply, stdin=text)
    get = ["get", "-o", "json", "-f", "-"]
    once = control_plane.kubectl(*get, stdin=text)
    control_plane.kubectl(*apply, stdin=text)
    again = control_plane.kubectl(*get, stdin=text)
    assert _generations(once) == _generations(again)
    control_plane.kubectl("delete", "--wait=false", "-f", "-", stdin=text)


def _generations(text):
    return [each["metadata"].get("generation") for each in json.loads(text)["items"]]


def test_the_image_runs_as_a_number_and_builds_nothing_of_the_target():
    dockerfile = FOLDER / "Dockerfile"
    assert dict(final_stage(dockerfile))["USER"] == "10001:10001"
    assert "RUN" not in [word for word, _ in final_stage(dockerfile)]
    ignore = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    for word, rest in instructions(dockerfile):
        if word == "COPY" and not rest.startswith("--"):
            for source in rest.split()[:-1]:
                room = source.partition("/")[0]
                assert {f"!{room}", f"!{source}"} & set(ignore)
                assert (ROOT / source).exists()


def test_the_image_has_all_that_the_agent_imports(tmp_path):
    for word, rest in instructions(FOLDER / "Dockerfile"):
        if word == "COPY" and "/app" in rest and not rest.startswith("--"):
            *sources, target = rest.split()
            folder = tmp_path / target.removeprefix("/app/")
            for name in sources:
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, folder)
                else:
                    folder.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, folder)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "node_agent", "--help"],
        cwd="/",
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_unit_runs_it_as_locked_in_as_the_daemonset():
    unit = (FOLDER / "posture-node-agent.service").read_text().replace("\\\n", " ")
    start = re.search("^ExecStart=(.*)$", unit, re.MULTILINE)[1]
    for flag in ("--read-only", "--cap-drop ALL", "/sys:/host/sys:ro", "NODE_NAME=%H"):
        assert flag in start
    assert "--privileged" not in unit
