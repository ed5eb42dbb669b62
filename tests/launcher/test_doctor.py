"""The checks of a launch: what is not as it must be is named, with its remedy.

Nothing may have been changed when they are done.
"""

import socket
import time
from pathlib import Path

import pytest

from tests.fixtures import launcher
from tests.fixtures.mosquitto import running_mosquitto

DOCTOR = ("build_and_push.py", "--doctor", "--skip-build")


@pytest.fixture
def site(untouched_site):
    return untouched_site


def findings(done):
    """By check: the mark, and all that is said of it."""
    found, name = {}, ""
    for line in done.output.splitlines():
        words = line.split(maxsplit=2)
        if words and words[0] in ("ok", "warn", "FAIL"):
            name = words[1]
            found[name] = (words[0], words[2])
        elif name:
            mark, said = found[name]
            found[name] = (mark, f"{said}\n{line.strip()}")
    return found


def examine(site, start=None, **environ):
    before = site.snapshot()
    done = (start or site.call)(*DOCTOR, **environ)
    assert site.snapshot() == before
    return done, findings(done)


def test_everything_is_well(site):
    done, found = examine(site, start=site.run)
    assert done.process.returncode == 0, done.output
    wrong = [name for name, (mark, _) in found.items() if mark != "ok"]
    # KEDA's operator does not run here, and no node agent.
    assert set(wrong) - {"space"} == {"keda", "kernel", "clocks"}
    assert len(found) == 16


CASES = {
    "no labelled node": (
        {"NODE_LABEL": "nobody-has-this"},
        "nodes",
        "kubectl label node NAME nobody-has-this=true",
    ),
    "no such namespace": (
        {"NAMESPACE": "no-such-namespace"},
        "cluster",
        "kubectl create namespace no-such-namespace",
    ),
    "no such context": ({"KUBE_CONTEXT": "no-such-context"}, "cluster", "--context"),
    "a metric that nobody has": (
        {"GPU_METRICS": "no_such_metric"},
        "loads",
        "check the exporter on the node",
    ),
    "Prometheus is not there": (
        {"PROMETHEUS_URL": "http://127.0.0.1:9"},
        "loads",
        "set PROMETHEUS_URL",
    ),
    "the broker is not there": ({"MQTT_PORT": "9"}, "broker", "cannot be reached"),
    "a wrong database password": (
        {"SUPABASE_PASSWORD": "wrong-password"},
        "database",
        "check SUPABASE_USER and SUPABASE_PASSWORD",
    ),
    "the database is not there": ({"SUPABASE_PORT": "9"}, "database", "refused"),
    "the manifest is not there": (
        {"BASE_MANIFEST": "no-such.yaml"},
        "manifest",
        "No such file",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_named_with_its_remedy(site, case):
    environ, check, words = CASES[case]
    done, found = examine(site, **environ)
    assert done.process.returncode == 3, done.output
    mark, said = found[check]
    assert mark == "FAIL"
    assert words in said
    assert "wrong-password" not in done.output


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("strategy: gradual", "strategy: immediate"), "rollout: {strategy: gradual}"),
        (("name: posture-analyzer-scaledjob", "name: mine"), "SCALEDJOB=mine"),
        (("maxReplicaCount: 1", "maxReplicaCount: many"), "maxReplicaCount"),
        (("- type: external", "- type: cron"), "trigger of type external"),
        (("kind: ScaledJob", "kind: ScaledObject"), "expected a ScaledJob"),
    ],
)
def test_a_manifest_that_was_edited_by_hand_is_named(site, change, words):
    original = Path(site.environ["BASE_MANIFEST"]).read_text()
    (site.folder / "edited.yaml").write_text(original.replace(*change))
    done, found = examine(site, BASE_MANIFEST="edited.yaml")
    assert done.process.returncode == 3, done.output
    assert found["manifest"][0] == "FAIL"
    assert words in found["manifest"][1]


def test_a_missing_right_is_named(site):
    plane, namespace = site.plane, site.namespace
    plane.kubectl("create", "serviceaccount", "operator", "-n", namespace)
    account = f"--serviceaccount={namespace}:operator"
    plane.kubectl(
        "create", "rolebinding", "operator", "--clusterrole=view", account,
        "-n", namespace,
    )  # fmt: skip
    kubeconfig = plane.service_account(namespace, "operator")
    done, found = examine(site, KUBECONFIG=str(kubeconfig))
    assert done.process.returncode == 3
    mark, said = found["rights"]
    assert mark == "FAIL"
    assert "patch scaledjobs" in said
    assert "list pods" not in said  # this it has
    assert "kubectl" in said


def test_keda_that_is_too_old_is_named(site):
    labels = {
        "app.kubernetes.io/name": "keda-operator",
        "app.kubernetes.io/version": "2.16.1",
    }
    pod = {"containers": [{"name": "c", "image": "example/none"}]}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "keda-operator", "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "keda"}},
            "template": {"metadata": {"labels": {"app": "keda"}}, "spec": pod},
        },
    }
    site.plane.apply(deployment, namespace=site.namespace)
    _, found = examine(site)
    assert found["keda"][0] == "FAIL"
    assert "KEDA is 2.16.1; 2.17 or later is needed" in found["keda"][1]
    site.plane.delete("deployment", "keda-operator", site.namespace)


def test_a_port_that_somebody_else_has_is_named(site):
    with socket.create_server(("", int(site.environ["SCALER_PORT"]))):
        _, found = examine(site)
    assert found["ports"][0] == "FAIL"
    assert "ss -ltnp" in found["ports"][1]


def test_a_broker_that_drops_is_named(site, tmp_path, monkeypatch):
    monkeypatch.setattr(launcher, "tried", launcher.ALL)
    # Its default, and too small a packet.
    for name, line, words in (
        ("queue", "max_queued_messages 1000", "kept 1"),
        ("packet", "max_packet_size 2000000", "max_packet_size 20000000"),
    ):
        with running_mosquitto(tmp_path / name, line) as dropping:
            _, found = examine(site, MQTT_PORT=str(dropping.port))
        assert found["broker"][0] == "FAIL"
        assert words in found["broker"][1]


def test_a_table_that_may_not_be_written_to_is_named(site, postgres):
    postgres.execute("REVOKE INSERT ON posture_log FROM analyzer")
    try:
        _, found = examine(site)
    finally:
        postgres.execute("GRANT INSERT ON posture_log TO analyzer")
    assert found["database"][0] == "FAIL"
    assert "grant INSERT" in found["database"][1]


def test_with_everything_down_it_answers_in_time(site):
    """Down in the worst way: everything accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        port = str(silent.getsockname()[1])
        kubeconfig = site.folder / "kubeconfig"
        original = Path(site.environ["KUBECONFIG"]).read_text()
        kubeconfig.write_text(original.replace(str(site.plane.port), port))
        begun = time.monotonic()
        done = site.run(
            "build_and_push.py",
            "--doctor",
            KUBECONFIG=str(kubeconfig),
            PROMETHEUS_URL=f"http://127.0.0.1:{port}",
            MQTT_PORT=port,
            SUPABASE_PORT=port,
            DOCKER_HOST=f"tcp://127.0.0.1:{port}",
        )
        taken = time.monotonic() - begun
    found = findings(done)
    assert done.process.returncode == 3
    wrong = {name for name, (mark, _) in found.items() if mark == "FAIL"}
    assert wrong >= {"docker", "cluster", "loads", "broker", "database"}
    assert taken < 20  # promised: 10, on a machine that has nothing else to do


def test_all_wrong_settings_are_named_at_once(site):
    done = site.call(
        "build_and_push.py",
        SUPABASE_HOST="",
        SUPABASE_PASSWORD="",
        MQTT_PORT="70000",
        IMAGE_REPOSITORY="Not An Image",
        IMAGE_PLATFORMS="windows/amd64",
    )
    assert done.process.returncode == 2
    for name in ("IMAGE_REPOSITORY", "IMAGE_PLATFORMS", "SUPABASE_HOST", "MQTT_PORT"):
        assert name in done.output
    assert "Traceback" not in done.output


def test_without_a_terminal_and_without_yes_nothing_is_done(site):
    before = site.snapshot()
    done = site.run("build_and_push.py", "--skip-build")
    assert done.process.returncode == 2
    assert "give --yes" in done.output
    assert f"namespace {site.namespace}" in done.output
    assert site.snapshot() == before
