"""Objects that this system makes in the cluster: applied, compared, deleted.

What the launcher makes carries a label of its own; nothing without it is changed or
deleted, whatever it is called.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from kube.client import Cluster, Object
from kube.errors import ClusterError

MANAGER = "posture-launcher"
MANAGED_BY = "app.kubernetes.io/managed-by"
_APPLY = "application/apply-patch+yaml"  # JSON is YAML


class Kind(NamedTuple):
    """Where the API keeps objects of a kind."""

    prefix: str
    plural: str
    kind: str


SCALEDJOB = Kind("/apis/keda.sh/v1alpha1", "scaledjobs", "ScaledJob")
SECRET = Kind("/api/v1", "secrets", "Secret")
CONFIGMAP = Kind("/api/v1", "configmaps", "ConfigMap")
JOB = Kind("/apis/batch/v1", "jobs", "Job")
POD = Kind("/api/v1", "pods", "Pod")


class Objects:
    """The objects of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self.namespace = namespace

    def get(self, kind: Kind, name: str) -> Object | None:
        """The object as it is, None if there is none.

        Raises:
            ClusterError: it cannot be read.
        """
        try:
            return self._cluster.request("GET", self._path(kind, name))
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    def matching(self, kind: Kind, selector: str) -> list[Object]:
        """The objects that a label selector picks.

        Raises:
            ClusterError: they cannot be read.
        """
        query = {"labelSelector": selector}
        found = self._cluster.request("GET", self._path(kind), None, query)
        items: list[Object] = found["items"]
        return items

    def apply(
        self, kind: Kind, wanted: Mapping[str, Any], *, dry_run: bool = False
    ) -> Object:
        """Have the fields of `wanted`, leave the others to whoever set them.

        Twice is the same as once. With `dry_run` the server only says what it would
        make of it.

        Raises:
            ClusterError: refused, or there is one already that we have not made.
        """
        name = wanted["metadata"]["name"]
        self.check_ours(kind, self.get(kind, name))
        # The node affinity belongs to the watcher in between: forced, it is taken back.
        query = {"fieldManager": MANAGER, "force": "true"}
        if dry_run:
            query["dryRun"] = "All"
        body = json.dumps(_labelled(wanted))
        return self._cluster.request(
            "PATCH", self._path(kind, name), body, query, _APPLY
        )

    def delete(self, kind: Kind, found: Mapping[str, Any]) -> None:
        """Delete exactly this object; what it owns goes first, pods with their grace.

        Raises:
            ClusterError: not deleted.
        """
        metadata = found["metadata"]
        body = {
            "propagationPolicy": "Foreground",
            "preconditions": {"uid": metadata["uid"]},
        }
        try:
            path = self._path(kind, metadata["name"])
            self._cluster.request("DELETE", path, body)
        except ClusterError as error:
            if error.status not in (404, 409):  # gone, or another one of the same name
                raise

    def check_ours(self, kind: Kind, found: Mapping[str, Any] | None) -> None:
        """Make sure that an object of ours is not someone else's.

        Raises:
            ClusterError: it is; says how to hand it over.
        """
        if found is None or is_ours(found):
            return
        name = found["metadata"]["name"]
        raise ClusterError(
            f"{kind.kind} {self.namespace}/{name} was not made by this launcher, so it "
            f"is left alone. To hand it over: kubectl -n {self.namespace} label "
            f"{kind.kind.lower()} {name} {MANAGED_BY}={MANAGER} --overwrite"
        )

    def _path(self, kind: Kind, name: str = "") -> str:
        path = f"{kind.prefix}/namespaces/{self.namespace}/{kind.plural}"
        return f"{path}/{name}" if name else path


def is_ours(found: Mapping[str, Any]) -> bool:
    """Whether the launcher has made it."""
    labels = found["metadata"].get("labels") or {}
    return bool(labels.get(MANAGED_BY) == MANAGER)


def _labelled(wanted: Mapping[str, Any]) -> Object:
    metadata = dict(wanted["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: MANAGER}
    return {**wanted, "metadata": metadata}
