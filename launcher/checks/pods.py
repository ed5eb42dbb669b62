"""What would hold up a pod: a volume that is elsewhere, an image out of reach."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kube import scaledjobs
from kube.client import Object
from kube.cluster import Cluster
from kube.nodes import read_node
from kube.resources import NODE, POD, SECRET, VOLUME, VOLUME_CLAIM
from launcher.image.registry import login_key, registry_of
from launcher.preflight import Check, CheckError, Doubt
from launcher.settings import LauncherSettings
from placement.eligibility import has_label


@dataclass(frozen=True)
class PodChecks:
    """The checks of the pods to come, and of those that are there."""

    settings: LauncherSettings
    open_cluster: Callable[[], Cluster]

    def all(self) -> list[Check]:
        """Every one of them."""
        return [Check("volumes", self.volumes), Check("pulls", self.pulls)]

    def volumes(self) -> str:
        """That a volume of the workers lets them run on every node."""
        cluster, nodes = self.open_cluster(), self._labelled()
        pod = scaledjobs.pod_spec(scaledjobs.read_manifest(self.settings.manifest.base))
        claims = [
            each["persistentVolumeClaim"]["claimName"]
            for each in pod.get("volumes") or ()
            if "persistentVolumeClaim" in each
        ]
        for name in claims:
            claim = cluster.find(VOLUME_CLAIM, name)
            if claim is None:
                raise CheckError(
                    f"the manifest names the volume claim {name}, which is not there",
                    f"create it: kubectl -n {cluster.namespace} get pvc",
                )
            bound = claim["spec"].get("volumeName")
            volume = cluster.find(VOLUME, bound) if bound else None
            if volume:
                check_volume(name, volume, nodes)
        return f"{len(claims)} of them are claims" if claims else "gone with the pod"

    def pulls(self) -> str:
        """That the nodes may pull the image."""
        cluster, name = self.open_cluster(), self.settings.pods.pull_secret
        repository = self.settings.image.repository
        if name:
            check_pull_secret(name, cluster.find(SECRET, name), repository)
        check_pods(cluster.find_all(POD))
        return f"Secret {name}" if name else f"{repository}, without a login"

    def _labelled(self) -> list[Object]:
        label, found = self.settings.choice.label, self.open_cluster().find_all(NODE)
        return [each for each in found if has_label(read_node(each), label)]


def check_volume(
    claim: str, volume: Mapping[str, Any], nodes: Iterable[Object]
) -> None:
    """Whether a volume keeps pods to some of the nodes.

    Raises:
        Doubt: it does.
    """
    required = (volume["spec"].get("nodeAffinity") or {}).get("required") or {}
    text = json.dumps(required.get("nodeSelectorTerms") or [])
    hostnames = {
        each["metadata"]["name"]: (each["metadata"].get("labels") or {}).get(
            "kubernetes.io/hostname", each["metadata"]["name"]
        )
        for each in nodes
    }
    away = sorted(n for n, host in hostnames.items() if f'"{host}"' not in text)
    if "kubernetes.io/hostname" in text and away:
        raise Doubt(
            f"the volume of {claim} is on one node's disk: a worker that is pinned to "
            f"{', '.join(away)} waits for ever",
            "a volume that all nodes can mount (NFS, Longhorn), or none",
        )


def check_pull_secret(
    name: str, found: Mapping[str, Any] | None, repository: str
) -> None:
    """Whether the Secret knows the registry.

    Raises:
        CheckError: it does not, or there is none.
    """
    registry = registry_of(repository)
    mend = (
        f"kubectl create secret docker-registry {name} --docker-server={registry} "
        "--docker-username=... --docker-password=..."
    )
    if found is None:
        raise CheckError(f"there is no Secret {name} (IMAGE_PULL_SECRET)", mend)
    try:
        text = base64.b64decode(found["data"][".dockerconfigjson"])
        known = json.loads(text)["auths"]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckError(f"the Secret {name} holds no login", mend) from error
    if not {registry, login_key(registry), f"https://{registry}"} & {*known}:
        raise CheckError(f"the Secret {name} has no login for {registry}", mend)


def check_pods(pods: Iterable[Mapping[str, Any]]) -> None:
    """Whether a pod of ours waits for an image that it does not get.

    Raises:
        CheckError: one does.
    """
    for pod in pods:
        part_of = (pod["metadata"].get("labels") or {}).get("app.kubernetes.io/part-of")
        for each in (pod.get("status") or {}).get("containerStatuses") or ():
            waiting = (each.get("state") or {}).get("waiting") or {}
            pull = waiting.get("reason") in ("ImagePullBackOff", "ErrImagePull")
            if part_of == "posture-analyzer" and pull:
                raise CheckError(
                    f"{pod['spec'].get('nodeName')} cannot pull {each['image']}: "
                    f"{waiting.get('message', waiting['reason'])}",
                    "a login for the nodes: IMAGE_PULL_SECRET; without TLS: "
                    "/etc/rancher/k3s/registries.yaml on each node",
                )
