"""Which cluster, which ScaledJob in it, and how Kubernetes spells names."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from common.options import decimal, one_of, option

AFFINITY, ADMISSION = "affinity", "admission"
_DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DNS_NAME = re.compile(rf"{_DNS_LABEL}(\.{_DNS_LABEL})*")
_LABEL_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_LABEL = re.compile(
    rf"({_DNS_LABEL}(\.{_DNS_LABEL})*/)?{_LABEL_NAME}(=({_LABEL_NAME})?)?"
)
_OBJECT_NAME = 63  # KEDA creates nothing for a ScaledJob with a longer name


def node_name(text: str) -> str:
    """Read the name of a node: a DNS subdomain that a label can hold."""
    if len(text) > 63 or not _DNS_NAME.fullmatch(text):
        raise ValueError(
            "a node's name: small letters, digits, - and ., at most 63 characters"
        )
    return text


def _object_name(text: str) -> str:
    if len(text) > _OBJECT_NAME or not re.fullmatch(_DNS_LABEL, text):
        raise ValueError("small letters, digits and -, at most 63 characters")
    return text


def _lease_name(text: str) -> str:
    return _object_name(text) if text else text


def node_label(text: str) -> str:
    """Read a label, as key or key=value."""
    if not _LABEL.fullmatch(text):
        raise ValueError("a label such as gpu-node or gpu-node=true")
    return text


@dataclass(frozen=True)
class ClusterSettings:
    """Which cluster, and which ScaledJob in it."""

    apart: ClassVar = True

    kubeconfig: str | None = option(
        "KUBECONFIG",
        "--kubeconfig",
        "kubeconfig file; without one: ~/.kube/config, or the pod's service account",
        default=None,
    )
    context: str | None = option(
        "KUBE_CONTEXT",
        "--context",
        "context of the kubeconfig, if not its current one",
        default=None,
    )
    namespace: str | None = option(
        "NAMESPACE",
        "--namespace",
        "namespace of the ScaledJob; without one: that of the kubeconfig's context or "
        "of the pod, or default",
        default=None,
        parse=_object_name,
    )
    scaledjob: str = option(
        "SCALEDJOB",
        "--scaledjob",
        "name of the ScaledJob",
        default="posture-analyzer-scaledjob",
        parse=_object_name,
    )
    placement: str = option(
        "PLACEMENT_MODE",
        "--placement-mode",
        "where the chosen node is kept: affinity, in the ScaledJob; admission, in a "
        "ConfigMap from which deploy/admission.yaml (Kubernetes 1.36) gives it to Jobs",
        default=AFFINITY,
        parse=one_of(AFFINITY, ADMISSION),
    )
    deadline: float = option(
        "CLUSTER_DEADLINE",
        "--cluster-deadline",
        "seconds after which an answer of the API server is not waited for any more",
        default="10",
        parse=decimal(0.1, 300),
    )


@dataclass(frozen=True)
class LeaseSettings:
    """Which Lease is kept by whoever leads, where several processes do the same."""

    name: str = option(
        "LEASE",
        "--lease",
        "Lease that one of several watchers holds while it works and the others wait; "
        "empty: this is the only one",
        default="",
        parse=_lease_name,
    )
    seconds: float = option(
        "LEASE_SECONDS",
        "--lease-seconds",
        "seconds after which another watcher takes over from one that is silent",
        default="12",
        parse=decimal(3, 300),
    )


@dataclass(frozen=True)
class ManifestSettings:
    """The ScaledJob's manifest, before and after."""

    apart: ClassVar = True

    base: Path = option(
        "BASE_MANIFEST",
        "--input",
        "manifest of the ScaledJob to pin",
        default="posture-job.yaml",
        parse=Path,
    )
    patched: Path = option(
        "PATCHED_MANIFEST",
        "--output",
        "where the pinned manifest is written; - is the standard output",
        default="patched-job.yaml",
        parse=Path,
    )
