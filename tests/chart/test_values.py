"""What the values change, and what is refused."""

import pytest

from tests.fixtures.helm import CHART, NEEDED, PRETEND

# Needs Go, as the control plane does.
pytestmark = pytest.mark.cluster


def pod_of(found, kind, name):
    spec = found[kind, name]["spec"]
    if kind == "ScaledJob":
        return spec["jobTargetRef"]["template"]["spec"]
    if kind == "CronJob":
        return spec["jobTemplate"]["spec"]["template"]["spec"]
    return spec["template"]["spec"]


PODS = [
    ("ScaledJob", "posture-analyzer-scaledjob"),
    ("Deployment", "posture-scaler"),
    ("Deployment", "posture-watcher"),
    ("Deployment", "posture-page"),
    ("CronJob", "posture-retention"),
    ("DaemonSet", "posture-node-agent"),
]


@pytest.mark.parametrize(
    "value",
    [
        "image=x",
        "images.worker=x",
        "analyzer.replicas=2",
        "analyzer.workers=0",
        "analyzer.workers=two",
        "settings.supabase=x",
        "settings.SUPABASE_PASSWORD=secret",
        "scaler.replicas=-1",
        "analyzer.resources.limit=1",
        "instance=Hall",
        "global.registry=https://registry.example.org",
        "offload.nodes=master",
    ],
)
def test_a_wrong_value_is_refused_with_its_path(helm, value):
    sets = [part for each in (*NEEDED, value) for part in ("--set", each)]
    done = helm.run("template", "posture", CHART, *PRETEND, *sets)
    assert done.returncode
    path = value.partition("=")[0].split(".")
    assert path[-2] in done.stderr if path[1:] else path[-1] in done.stderr


def test_what_must_be_said_is_asked_for(helm):
    done = helm.run("template", "posture", CHART, *PRETEND)
    assert done.returncode
    assert "MQTT_HOST" in done.stderr
    assert "PROMETHEUS_URL" in done.stderr
    done = helm.run(
        "template", "posture", CHART, *PRETEND, "--set", "settings.MQTT_HOST=broker",
        "--set", "placement.enabled=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_images_registry_and_what_pods_share_reach_every_pod(helm):
    found = helm.template(
        "page.enabled=true",
        "global.registry=registry.example.org/mirror/",
        "images.analyzer=own/analyzer@sha256:" + "ab" * 32,
        "imagePullSecrets[0].name=registry",
        "priorityClassName=posture",
    )
    for kind, name in PODS:
        pod = pod_of(found, kind, name)
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        assert pod["priorityClassName"] == "posture"
        image = pod["containers"][0]["image"]
        if kind in ("ScaledJob", "CronJob"):
            assert image == "own/analyzer@sha256:" + "ab" * 32
        else:
            assert image.startswith("registry.example.org/mirror/shahroz90/posture-")


def test_a_part_takes_what_is_said_of_its_pods(helm):
    found = helm.template(
        "scaler.replicas=3",
        "scaler.env.LOG_LEVEL=debug",
        "scaler.resources.limits.memory=1Gi",
        "scaler.nodeSelector.pool=small",
        "scaler.tolerations[0].operator=Exists",
        "scaler.podAnnotations.team=desk",
        "analyzer.runtimeClassName=nvidia",
        "analyzer.env.EXIT_WHEN_IDLE=120",
    )
    deployment = found["Deployment", "posture-scaler"]
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert deployment["spec"]["replicas"] == 3
    assert {"name": "LOG_LEVEL", "value": "debug"} in container["env"]
    assert container["resources"]["limits"]["memory"] == "1Gi"
    assert container["resources"]["requests"]["cpu"] == "50m"
    assert pod["nodeSelector"] == {"pool": "small"}
    assert {"operator": "Exists"} in pod["tolerations"]
    assert len(pod["tolerations"]) > 1
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert annotations["team"] == "desk"
    assert annotations["prometheus.io/scrape"] == "true"
    assert "replicas" not in found["ScaledJob", "posture-analyzer-scaledjob"]["spec"]
    worker = pod_of(found, "ScaledJob", "posture-analyzer-scaledjob")
    assert worker["runtimeClassName"] == "nvidia"
    env = {each["name"]: each.get("value") for each in worker["containers"][0]["env"]}
    assert env["EXIT_WHEN_IDLE"] == "120"
    assert [each["name"] for each in worker["containers"][0]["env"]].count(
        "EXIT_WHEN_IDLE"
    ) == 1


def test_several_workers_are_an_indexed_job(helm):
    found = helm.template("analyzer.workers=3")
    job = found["ScaledJob", "posture-analyzer-scaledjob"]["spec"]["jobTargetRef"]
    assert (job["completionMode"], job["completions"], job["parallelism"]) == (
        "Indexed",
        3,
        3,
    )
    assert found["ConfigMap", "posture-analyzer"]["data"]["WORKERS"] == "3"


def test_secrets_that_exist_are_named_everywhere(helm):
    found = helm.template(
        "page.enabled=true",
        "existingSecret=ours",
        "page.existingSecret=page-login",
        "retention.existingSecret=keeper",
        "placement.existingSecret=prometheus",
    )
    assert "posture-analyzer" not in secrets_of(found)
    assert {"ours", "page-login", "keeper", "prometheus"} <= secrets_of(found)


def secrets_of(found):
    names = set()
    for kind, name in PODS:
        container = pod_of(found, kind, name)["containers"][0]
        for each in container.get("envFrom", []):
            names.add(each.get("secretRef", {}).get("name"))
        for each in container.get("env", []):
            key = each.get("valueFrom", {}).get("secretKeyRef", {})
            names.add(key.get("name"))
    return names - {None}


def test_pictures_may_outlive_their_pods(helm):
    found = helm.template("analyzer.picturesClaim=pictures")
    claim = {"name": "pictures", "persistentVolumeClaim": {"claimName": "pictures"}}
    for kind, name in (PODS[0], PODS[4]):
        pod = pod_of(found, kind, name)
        assert claim in pod["volumes"]
        mounted = pod["containers"][0]["volumeMounts"]
        assert any(each["mountPath"] == "/app/analyzed_images" for each in mounted)


def test_dashboards_and_pod_monitors_come_when_asked_for(helm):
    found = helm.template(
        "monitoring.dashboards=true",
        "monitoring.podMonitors=true",
        "monitoring.labels.release=stack",
    )
    boards = found["ConfigMap", "posture-dashboards"]
    assert set(boards["data"]) == {"cameras.json", "placement.json"}
    assert boards["metadata"]["labels"]["grafana_dashboard"] == "1"
    monitors = [each for (kind, _), each in found.items() if kind == "PodMonitor"]
    assert len(monitors) == 3
    assert all(each["metadata"]["labels"]["release"] == "stack" for each in monitors)


def test_with_tls_scaler_and_keda_show_each_other_certificates(helm):
    found = helm.template(
        "scaler.tls.enabled=true",
        "scaler.tls.issuerRef.name=ca",
        "scaler.tls.clientSecretName=keda-cert",
        name="hall",
        namespace="sitting",
    )
    pod = pod_of(found, "Deployment", "hall-scaler")
    (container,) = pod["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    assert env["SCALER_CLIENT_CA_FILE"] == "/tls/ca.crt"
    assert pod["volumes"] == [
        {"name": "tls", "secret": {"secretName": "hall-scaler-tls"}}
    ]
    # The kubelet has no certificate to show.
    probes = ("startupProbe", "livenessProbe", "readinessProbe")
    asked = [container[each]["httpGet"]["path"] for each in probes]
    assert asked == ["/livez", "/livez", "/healthz"]
    assert not [each for each in probes if "grpc" in container[each]]

    (trigger,) = found["ScaledJob", "hall-analyzer-scaledjob"]["spec"]["triggers"]
    name = trigger["authenticationRef"]["name"]
    assert trigger["metadata"]["enableTLS"] == "true"
    told = found["TriggerAuthentication", name]["spec"]["secretTargetRef"]
    assert {each["name"] for each in told} == {"keda-cert"}
    server = found["Certificate", "hall-scaler-tls"]["spec"]
    host = trigger["metadata"]["scalerAddress"].rpartition(":")[0]
    assert host in server["dnsNames"]
    assert found["Certificate", "hall-keda-tls"]["spec"]["secretName"] == "keda-cert"


def test_with_tls_of_ones_own_nothing_is_issued(helm):
    found = helm.template("scaler.tls.enabled=true", "scaler.tls.secretName=mine")
    assert not [kind for kind, _ in found if kind == "Certificate"]
    pod = pod_of(found, "Deployment", "posture-scaler")
    assert pod["volumes"][0]["secret"]["secretName"] == "mine"
