"""Objects that the launcher makes: applied, and never taken from anybody else.

They carry a label of our own, which says who has made them: launcher or chart. Whoever
applies an object last has put its own name there, and nothing that says another one, or
nothing, is changed or deleted, whatever it is called.
"""

from collections.abc import Mapping
from typing import Any

from kube.client import Client, Object
from kube.errors import ClusterError
from kube.helm import release_of
from kube.resources import LEASE, SECRET, Kind

MADE_BY = "posture-analyzer/made-by"
LAUNCHER, CHART = "launcher", "chart"

MANAGER = "posture-launcher"
MANAGED_BY = "app.kubernetes.io/managed-by"
"""The standard's label. Helm wants it for itself, so it decides nothing but for objects
that were made before ours was there."""

OURS = {MADE_BY: LAUNCHER, MANAGED_BY: MANAGER}
"""The labels of what the launcher makes."""


def apply(
    client: Client,
    kind: Kind,
    wanted: Mapping[str, Any],
    *,
    dry_run: bool = False,
    adopt: bool = False,
) -> Object:
    """Have the fields of `wanted`, leave the others to whoever set them.

    Twice is the same as once. With `dry_run` the server only says what it would make
    of it; with `adopt` also of what the chart has made.

    Raises:
        ClusterError: refused, or there is one already that we have not made.
    """
    found = client.find(kind, wanted["metadata"]["name"])
    check_ours(client, kind, found, adopt=adopt)
    return client.apply(kind, _labelled(wanted), manager=MANAGER, dry_run=dry_run)


def check_ours(
    client: Client,
    kind: Kind,
    found: Mapping[str, Any] | None,
    *,
    adopt: bool = False,
) -> None:
    """Make sure that an object of ours is not someone else's; a release's for `adopt`.

    Raises:
        ClusterError: it is; says whose, and how to hand it over.
    """
    if found is None or is_ours(found) or (adopt and may_be_adopted(found)):
        return
    name, space = found["metadata"]["name"], client.namespace
    shown = f"{kind.kind} {space}/{name}"
    if release := release_of(found):
        raise ClusterError(
            f"{shown} is of the Helm release {release}, so it is left alone. To go on "
            f"with the launcher: build_and_push.py --adopt. To end the release: "
            f"helm -n {space} uninstall {release}"
        )
    if is_of_chart(found):
        raise ClusterError(
            f"{shown} was made of the chart without a Helm release, as Argo CD does, "
            "so it is left alone. End it where it is applied from, or take another "
            "NAMESPACE"
        )
    raise ClusterError(
        f"{shown} was not made by this launcher, so it is left alone. To hand it over: "
        f"kubectl -n {space} label {kind.kind.lower()} {name} "
        f"{MADE_BY}={LAUNCHER} --overwrite"
    )


def is_ours(found: Mapping[str, Any]) -> bool:
    """Whether the launcher has made it; of those before `MADE_BY` it is the manager."""
    labels = _labels(found)
    if MADE_BY in labels:
        return bool(labels[MADE_BY] == LAUNCHER)
    if found.get("kind") == LEASE.kind and not labels:
        return True  # a watcher made it by itself, before the manifest had it
    return bool(labels.get(MANAGED_BY) == MANAGER)


def may_be_adopted(found: Mapping[str, Any]) -> bool:
    """Whether `--adopt` takes it: what Helm has made, and the Secret that it reads.

    The chart makes no Secret; one that somebody keeps up to date has an owner.
    """
    metadata = found["metadata"]
    marked = MADE_BY in _labels(found) or "ownerReferences" in metadata
    return bool(release_of(found)) or (found["kind"] == SECRET.kind and not marked)


def is_of_chart(found: Mapping[str, Any]) -> bool:
    """Whether the chart has made it, by Helm or by what renders charts."""
    made_by = _labels(found).get(MADE_BY)
    return made_by == CHART or (made_by is None and release_of(found) is not None)


def maker(found: Mapping[str, Any]) -> str:
    """Who has made it, in words."""
    if is_ours(found):
        return "the launcher"
    if release := release_of(found):
        return f"the Helm release {release}"
    return "the chart" if is_of_chart(found) else "somebody else"


def _labels(found: Mapping[str, Any]) -> Mapping[str, str]:
    return found["metadata"].get("labels") or {}


def _labelled(wanted: Mapping[str, Any]) -> Object:
    metadata = dict(wanted["metadata"])
    metadata["labels"] = {**(metadata.get("labels") or {}), **OURS}
    return {**wanted, "metadata": metadata}
