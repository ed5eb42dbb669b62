"""A pod that tries what only a pod can find out; it and its policy are gone afterwards.

Whether KEDA, which is in a pod, reaches this machine's scaler, whether the node gets
the image at all, and whether the cluster keeps to a NetworkPolicy: where it does not,
nobody says so.
"""

import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from kube.client import Object
from kube.cluster import Cluster
from kube.errors import ClusterError
from kube.objects import OURS
from kube.resources import NETWORK_POLICY, POD
from launcher.preflight import Check, CheckError, Doubt, Finding, examine
from launcher.settings import LauncherSettings

_WAIT = 90.0  # seconds for a pod to get its image and to end
_TICK = 0.5
_TRY = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()
    told = "reached"
except OSError as error:
    told = f"not reached: {error}"
open("/dev/termination-log", "w").write(told)
"""


@dataclass(frozen=True)
class PodTrial:
    """Starts a pod for each of its checks."""

    settings: LauncherSettings
    image: Callable[[], str]
    address: Callable[[], str]
    """Host and port at which KEDA is to call the scaler."""

    open_cluster: Callable[[], Cluster]
    _free: "Future[str]" = field(default_factory=Future, init=False)
    """What a pod says to which nothing is forbidden."""

    def examine(self, deadline: float) -> list[Finding]:
        """Ask both at once, while something answers at the scaler's port."""
        with _answering(self.settings.scaler_port):
            checks = [Check("reach", self.reach), Check("policy", self.policy)]
            return examine(checks, deadline)

    def reach(self) -> str:
        """That a pod reaches the scaler's port on this machine."""
        try:
            told = self._told(denied=False)
        except BaseException as error:  # whatever it is, `policy` waits for it
            self._free.set_exception(error)
            raise
        self._free.set_result(told)
        if told != "reached":
            raise CheckError(
                f"a pod does not reach {self.address()}, where KEDA is to call: {told}",
                f"sudo ufw allow {self.settings.scaler_port}/tcp; or set SCALER_HOST",
            )
        return f"a pod reaches {self.address()}"

    def policy(self) -> str:
        """That the cluster keeps to a policy which forbids a pod everything."""
        if self._told(denied=True) == "reached":
            raise Doubt(
                "the cluster does not keep to a NetworkPolicy: a pod that may reach "
                f"nothing reaches {self.address()}",
                "k3s needs ipset and its modules on each node (see kernel); others a "
                "network that knows policies, such as Calico or Cilium",
            )
        if self._free.result() != "reached":
            raise Doubt(
                "whether the cluster keeps to a NetworkPolicy cannot be seen: no pod "
                f"reaches {self.address()}, with a policy or without",
                "mend reach first, then ask again",
            )
        return "a pod that may reach nothing reaches nothing"

    def _told(self, *, denied: bool) -> str:
        """What a pod says that tries to reach the scaler's port."""
        cluster, name = self.open_cluster(), f"posture-try-{secrets.token_hex(4)}"
        made = [(POD, self._pod(name))]
        if denied:
            made.insert(0, (NETWORK_POLICY, _deny_all(name)))
        try:
            for kind, wanted in made:
                cluster.create(kind, wanted)
            return _wait(cluster, name)
        finally:
            for kind, _ in made:
                with suppress(ClusterError):
                    cluster.delete_now(kind, name)

    def _pod(self, name: str) -> Object:
        host, _, port = self.address().rpartition(":")
        secret = self.settings.pods.pull_secret
        return _named("v1", "Pod", name) | {
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 0,
                "activeDeadlineSeconds": int(_WAIT),
                "affinity": {"nodeAffinity": _with(self.settings.choice.label)},
                "tolerations": [{"operator": "Exists"}],
                **({"imagePullSecrets": [{"name": secret}]} if secret else {}),
                "securityContext": {
                    "runAsNonRoot": True,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "try",
                        "image": self.image(),
                        "command": ["python3", "-c", _TRY, host.strip("[]"), port],
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            }
        }


def _named(version: str, kind: str, name: str) -> Object:
    labels = {**OURS, "posture-analyzer/try": name}
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _deny_all(name: str) -> Object:
    return _named("networking.k8s.io/v1", "NetworkPolicy", name) | {
        "spec": {
            "podSelector": {"matchLabels": {"posture-analyzer/try": name}},
            "policyTypes": ["Ingress", "Egress"],
        }
    }


def _with(label: str) -> Object:
    """A node affinity for nodes with the label, key or key=value."""
    key, equals, value = label.partition("=")
    rule: Object = {"key": key, "operator": "In" if equals else "Exists"}
    if equals:
        rule["values"] = [value]
    terms = [{"matchExpressions": [rule]}]
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
    }


@contextmanager
def _answering(port: int) -> Iterator[None]:
    """Listen on the port, unless the scaler does already."""
    with socket.socket(socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            listener.bind(("", port))
            listener.listen()
        yield


def _wait(cluster: Cluster, name: str) -> str:
    """What the pod has told when it has ended.

    Raises:
        CheckError: it does not begin, or does not end.
    """
    until, why = time.monotonic() + _WAIT, "no node has taken it"
    while time.monotonic() < until:
        status = cluster.get(POD, name).get("status") or {}
        state = _state(status)
        if "terminated" in state:
            ended = state["terminated"]
            return str(ended.get("message") or f"exit code {ended.get('exitCode')}")
        waiting = state.get("waiting") or {}
        why = waiting.get("message") or waiting.get("reason") or why
        if waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff"):
            break
        time.sleep(_TICK)
    raise CheckError(
        f"a pod to try it with does not run: {why}",
        "kubectl get events; for an image: IMAGE_PULL_SECRET, or build it first",
    )


def _state(status: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = status.get("containerStatuses") or [{}]
    state: Mapping[str, Any] = containers[0].get("state") or {}
    return state
