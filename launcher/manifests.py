"""What the launcher puts into the cluster: Secret, ConfigMap, ScaledJob. Pure."""

import base64
from collections.abc import Iterable
from typing import Any

from common.options import Option
from kube import scaledjobs
from kube.errors import ManifestError
from kube.objects import OURS
from launcher.settings import PodSettings

SETTINGS = "posture-analyzer"
"""Name of the worker's Secret and ConfigMap, which the manifest refers to."""

_OF_THE_POD = ("NODE_NAME", "EXIT_WHEN_IDLE")  # the manifest says them
_INSTEAD = ("PICTURES_MB",)  # what the manifest says of them is a default
# Folders of this machine mean nothing in the image, which has its own.
_OF_THIS_MACHINE = ("MODELS_FOLDER", "PICTURES_FOLDER", "QUARANTINE_FOLDER")
_LABELS = {
    "app.kubernetes.io/name": "posture-analyzer",
    "app.kubernetes.io/part-of": "posture-analyzer",
}
Given = Iterable[tuple[Option, str]]


def secret(given: Given) -> dict[str, Any]:
    """The Secret with those of the worker's settings that are secret."""
    data = {
        each.env: base64.b64encode(text.encode()).decode()
        for each, text in given
        if each.secret
    }
    return _named("Secret", data) | {"type": "Opaque"}


def config_map(given: Given) -> dict[str, Any]:
    """The ConfigMap with all the others that a pod can use."""
    left_out = (*_OF_THE_POD, *_OF_THIS_MACHINE)
    data = {
        each.env: text
        for each, text in given
        if not each.secret and each.env not in left_out
    }
    return _named("ConfigMap", data)


def _named(kind: str, data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": SETTINGS, "labels": dict(_LABELS)},
        "data": data,
    }


def complete(
    scaledjob: scaledjobs.ScaledJob,
    image: str | None,
    scaler: str | None,
    pods: PodSettings | None = None,
) -> None:
    """Give the manifest the launcher's labels, the image and the scaler's address.

    What `pods` leaves out stays as the manifest says.

    Raises:
        ManifestError: it has not the one container and the one trigger of ours.
    """
    metadata = scaledjob["metadata"]
    metadata.setdefault("labels", {}).update(OURS)
    if image:
        worker(scaledjob)["image"] = image
    if scaler:
        trigger(scaledjob)["scalerAddress"] = scaler
    spec = scaledjobs.pod_spec(scaledjob)
    if pods and pods.priority_class:
        spec["priorityClassName"] = pods.priority_class
    if pods and pods.pull_secret:
        spec["imagePullSecrets"] = [{"name": pods.pull_secret}]


def tell(scaledjob: scaledjobs.ScaledJob, given: Given) -> None:
    """Put what the user says in place of what the manifest says to the same end.

    A variable of the manifest's would win over the ConfigMap's.

    Raises:
        ManifestError: it has not the one container of ours.
    """
    told = {each.env: text for each, text in given if each.env in _INSTEAD}
    for variable in worker(scaledjob).get("env") or ():
        if variable["name"] in told:
            variable["value"] = told[variable["name"]]


def worker(scaledjob: scaledjobs.ScaledJob) -> Any:  # noqa: ANN401 - a YAML mapping
    """The worker's container.

    Raises:
        ManifestError: there is none.
    """
    for container in scaledjobs.pod_spec(scaledjob).get("containers") or ():
        if container.get("name") == SETTINGS:
            return container
    raise ManifestError(
        f"the manifest has no container called {SETTINGS}: name the worker's so"
    )


def trigger(scaledjob: scaledjobs.ScaledJob) -> Any:  # noqa: ANN401 - a YAML mapping
    """The metadata of the trigger that asks our scaler.

    Raises:
        ManifestError: there is none.
    """
    for each in scaledjob["spec"].get("triggers") or ():
        if each.get("type") == "external" and "metadata" in each:
            return each["metadata"]
    raise ManifestError(
        "the manifest has no trigger of type external: see posture-job.yaml"
    )
