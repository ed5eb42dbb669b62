"""What scaler and watcher are in the cluster, by deploy/placement.yaml. Pure.

Those of the whole cluster get the namespace's name into theirs, so that two namespaces
do not share one.
"""

import base64
import copy
from collections.abc import Iterable, Iterator
from typing import Any

from common.errors import OperatorError
from common.options import Option, options_of
from kube.pinning import choice_name
from kube.resources import IN_CLUSTER, Kind
from kube.yaml_text import documents
from placement.settings import WatcherSettings
from scaler.settings import ScalerSettings

SETTINGS = "posture-placement"
"""Name of the ConfigMap and the Secret of scaler and watcher."""

MANIFEST = "deploy/placement.yaml"
_SCALEDJOB = "posture-analyzer-scaledjob"
_LABELS = {
    "app.kubernetes.io/name": SETTINGS,
    "app.kubernetes.io/part-of": "posture-analyzer",
}
# What the manifest says itself, or what has a meaning on a workstation only.
_LEFT_OUT = {
    *("KUBECONFIG", "KUBE_CONTEXT", "NAMESPACE", "LAST_NODE_FILE", "DRY_RUN"),
    *("LEASE", "LEASE_SECONDS", "WATCHER_ADDRESS", "WATCHER_PORT"),
    *("SCALER_ADDRESS", "SCALER_PORT", "SCALER_METRICS_PORT"),
    *("OFFLOAD_NODE", "CPU_THRESHOLD", "CPU_HYSTERESIS", "CPU_HOLD", "CPU_INTERVAL"),
}
Object = dict[str, Any]
Given = Iterable[tuple[Option, str]]


def options() -> list[Option]:
    """All settings that scaler and watcher take in the cluster, each once.

    The broker's they read from the worker's ConfigMap and Secret.
    """
    every = {
        each.env: each
        for settings in (WatcherSettings, ScalerSettings)
        for each in options_of(settings)
    }
    return [
        each
        for each in every.values()
        if each.env not in _LEFT_OUT and not each.env.startswith("MQTT_")
    ]


def settings(given: Given) -> list[Object]:
    """The ConfigMap and the Secret with what `given` says.

    Raises:
        OperatorError: it names files, which are not in a pod.
    """
    told = list(given)
    if files := [each.names for each, _ in told if each.env.endswith("_FILE")]:
        raise OperatorError(
            f"{', '.join(files)}: files of this machine, which no pod has; mount them "
            f"into the pods of {MANIFEST} by hand (docs/cluster.md)"
        )
    plain = {each.env: text for each, text in told if not each.secret}
    hidden = {
        each.env: base64.b64encode(text.encode()).decode()
        for each, text in told
        if each.secret
    }
    return [_named("ConfigMap", plain), _named("Secret", hidden) | {"type": "Opaque"}]


def _named(kind: str, data: dict[str, str]) -> Object:
    metadata = {"name": SETTINGS, "labels": dict(_LABELS)}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": data}


def objects(manifest: str, namespace: str, scaledjob: str) -> list[Object]:
    """The objects of the manifest's text, for this namespace and this ScaledJob."""
    return list(_objects(manifest, namespace, scaledjob))


def _objects(manifest: str, namespace: str, scaledjob: str) -> Iterator[Object]:
    renamed = {_SCALEDJOB: scaledjob, choice_name(_SCALEDJOB): choice_name(scaledjob)}
    for each in documents(manifest):
        made = copy.deepcopy(each)
        kind = kind_of(made)
        if not kind.namespaced:
            made["metadata"]["name"] = _own_name(made["metadata"]["name"], namespace)
        if "roleRef" in made and made["roleRef"]["kind"] == "ClusterRole":
            made["roleRef"]["name"] = _own_name(made["roleRef"]["name"], namespace)
        for subject in made.get("subjects") or ():
            subject["namespace"] = namespace
        for rule in made.get("rules") or ():
            if names := rule.get("resourceNames"):
                rule["resourceNames"] = [renamed.get(each, each) for each in names]
        if kind.kind == "Deployment":
            _name_scaledjob(made, scaledjob)
        yield made


def _own_name(name: str, namespace: str) -> str:
    return f"{name.removesuffix('-default')}-{namespace}"


def _name_scaledjob(deployment: Object, scaledjob: str) -> None:
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        container.setdefault("env", []).append(
            {"name": "SCALEDJOB", "value": scaledjob}
        )


def kind_of(found: Object) -> Kind:
    """Where the API keeps an object of the manifest."""
    return IN_CLUSTER[found["kind"]]


def deployments(found: Iterable[Object]) -> list[str]:
    """The names of the Deployments among the objects."""
    return [each["metadata"]["name"] for each in found if each["kind"] == "Deployment"]
