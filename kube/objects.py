"""Objects that the launcher makes: applied, and never taken from anybody else.

They carry a label of its own; nothing without it is changed or deleted, whatever it is
called.
"""

from collections.abc import Mapping
from typing import Any

from kube.client import Client, Object
from kube.errors import ClusterError
from kube.resources import Kind

MANAGER = "posture-launcher"
MANAGED_BY = "app.kubernetes.io/managed-by"


def apply(
    client: Client, kind: Kind, wanted: Mapping[str, Any], *, dry_run: bool = False
) -> Object:
    """Have the fields of `wanted`, leave the others to whoever set them.

    Twice is the same as once. With `dry_run` the server only says what it would make
    of it.

    Raises:
        ClusterError: refused, or there is one already that we have not made.
    """
    check_ours(client, kind, client.find(kind, wanted["metadata"]["name"]))
    return client.apply(kind, _labelled(wanted), manager=MANAGER, dry_run=dry_run)


def check_ours(client: Client, kind: Kind, found: Mapping[str, Any] | None) -> None:
    """Make sure that an object of ours is not someone else's.

    Raises:
        ClusterError: it is; says how to hand it over.
    """
    if found is None or is_ours(found):
        return
    name, space = found["metadata"]["name"], client.namespace
    raise ClusterError(
        f"{kind.kind} {space}/{name} was not made by this launcher, so it is left "
        f"alone. To hand it over: kubectl -n {space} label {kind.kind.lower()} {name} "
        f"{MANAGED_BY}={MANAGER} --overwrite"
    )


def is_ours(found: Mapping[str, Any]) -> bool:
    """Whether the launcher has made it."""
    labels = found["metadata"].get("labels") or {}
    return bool(labels.get(MANAGED_BY) == MANAGER)


def _labelled(wanted: Mapping[str, Any]) -> Object:
    metadata = dict(wanted["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: MANAGER}
    return {**wanted, "metadata": metadata}
