"""What Helm leaves in the cluster: its marks on objects, and its record of a release.

Helm 3 and 4 keep each revision of a release as a Secret in its namespace: JSON,
compressed, in Base64, and once more as every Secret is (helm.sh/helm, storage/driver).
"""

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from kube.client import Client, Object
from kube.errors import ClusterError
from kube.resources import SECRET
from kube.yaml_text import documents

RELEASE_NAME = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"
CHART_LABEL = "helm.sh/chart"
INSTANCE_LABEL = "app.kubernetes.io/instance"
_FLUX = "helm.toolkit.fluxcd.io/name"


@dataclass(frozen=True)
class Release:
    """A release as it was installed last."""

    name: str
    objects: list[Object]
    """Its manifest; empty if its records are gone already."""

    records: list[Object]
    """The Secrets that Helm knows it by, one for each revision."""


def release_of(found: Mapping[str, Any]) -> str | None:
    """The name of the release that an object belongs to."""
    annotations = found["metadata"].get("annotations") or {}
    name: str | None = annotations.get(RELEASE_NAME)
    return name


def flux_of(found: Mapping[str, Any]) -> str | None:
    """The HelmRelease of Flux that keeps an object as it is."""
    labels = found["metadata"].get("labels") or {}
    name: str | None = labels.get(_FLUX)
    return name


def read_release(client: Client, name: str) -> Release:
    """The release of this name in our namespace.

    Raises:
        ClusterError: refused, or its record is none that we can read.
    """
    records = client.find_all(SECRET, f"owner=helm,name={name}")
    if not records:
        return Release(name, [], [])
    newest = max(records, key=lambda each: int(each["metadata"]["labels"]["version"]))
    try:
        text = base64.b64decode(base64.b64decode(newest["data"]["release"]))
        manifest = json.loads(gzip.decompress(text))["manifest"]
        objects = documents(manifest)
    except (ValueError, KeyError, OSError, yaml.YAMLError) as error:
        shown = newest["metadata"]["name"]
        raise ClusterError(
            f"Secret {client.namespace}/{shown}: not a record of Helm that can be read "
            f"here: {error}"
        ) from error
    return Release(name, objects, records)


def forget(client: Client, release: Release) -> None:
    """Let Helm know the release no more; its objects stay.

    Raises:
        ClusterError: refused.
    """
    for each in release.records:
        client.delete(SECRET, each)
