"""Whether KEDA is there, new enough, and running."""

import re
from collections.abc import Callable
from typing import Any

from kube.cluster import Cluster
from kube.errors import ClusterError
from kube.resources import DEPLOYMENT, SCALEDJOB
from launcher.preflight import Check, CheckError, Doubt

OLDEST_KEDA = (2, 17)
"""Before it, spec.rollout and TLS to an external scaler work differently."""

_KEDA = "helm upgrade --install keda kedacore/keda -n keda --create-namespace"


def keda_check(open_cluster: Callable[[], Cluster]) -> Check:
    """That KEDA will answer for a ScaledJob."""
    return Check("keda", lambda: _ask(open_cluster()))


def _ask(cluster: Cluster) -> str:
    if not cluster.serves(SCALEDJOB):
        raise CheckError("KEDA is not installed", _KEDA)
    return check_operator(_operators(cluster))


def _operators(cluster: Cluster) -> list[dict[str, Any]]:
    selector = "app.kubernetes.io/name=keda-operator"
    try:
        return cluster.find_all(DEPLOYMENT, selector, everywhere=True)
    except ClusterError as error:
        if error.status == 403:
            raise Doubt(
                "KEDA is installed; its version cannot be seen with these rights",
                "kubectl get deployments -A -l app.kubernetes.io/name=keda-operator",
            ) from error
        raise


def check_operator(operators: list[dict[str, Any]]) -> str:
    """What KEDA's Deployments say: a version that is new enough, and running.

    Raises:
        CheckError: it is too old or does not run.
        Doubt: it cannot be told.
    """
    if not operators:
        raise Doubt(
            "KEDA's operator is not seen: nothing would answer for a ScaledJob", _KEDA
        )
    found = operators[0]
    labels = found["metadata"].get("labels") or {}
    version = re.match(r"v?(\d+)\.(\d+)", labels.get("app.kubernetes.io/version", ""))
    if not version:
        raise Doubt("KEDA does not tell its version; 2.17 or later is needed", _KEDA)
    shown = labels["app.kubernetes.io/version"]
    if (int(version[1]), int(version[2])) < OLDEST_KEDA:
        raise CheckError(f"KEDA is {shown}; 2.17 or later is needed", _KEDA)
    if not (found.get("status") or {}).get("readyReplicas"):
        namespace = found["metadata"]["namespace"]
        raise CheckError(
            f"KEDA {shown} is installed but its operator is not ready",
            f"kubectl -n {namespace} describe deployment {found['metadata']['name']}",
        )
    return f"KEDA {shown}"
