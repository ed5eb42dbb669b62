"""Keeping pods off the overloaded master: the taint of its node."""

from collections.abc import Mapping
from typing import Any

from kube.client import Client
from kube.errors import ClusterError
from kube.resources import NODE

KEY, VALUE, EFFECT = "image-offload", "true", "NoSchedule"
OURS = "posture-analyzer/offload"
"""Annotation of a node whose taint was set by this system."""

_MANAGER = "posture-offload"
_TRIES = 5  # a kubelet changes its node all the time
Change = dict[str, Any]


def set_offload(
    client: Client, name: str, *, wanted: bool, dry_run: bool = False
) -> Change | None:
    """Taint the node, or take our taint away; gives the change, None for nothing.

    Raises:
        ClusterError: refused.
    """
    for attempt in range(_TRIES):
        change = offload_change(client.get(NODE, name), wanted)
        if change is None or dry_run:
            break
        try:
            client.patch(NODE, name, change, manager=_MANAGER)
        except ClusterError as error:
            if error.status != 409 or attempt == _TRIES - 1:
                raise
        else:
            break
    return change


def offload_change(node: Mapping[str, Any], wanted: bool) -> Change | None:
    """What to merge into `node` so that it is tainted or not; None for nothing. Pure.

    A taint that somebody else has set is neither doubled nor taken away. The change
    holds the object's version, so that it cannot undo one that came in between.
    """
    taints = list((node.get("spec") or {}).get("taints") or ())
    annotations = node["metadata"].get("annotations") or {}
    if wanted and not any(map(_is_offload, taints)):
        taints.append({"key": KEY, "value": VALUE, "effect": EFFECT})
        return _change(node, taints, f"{KEY}={VALUE}:{EFFECT}")
    if not wanted and OURS in annotations:
        return _change(node, [each for each in taints if not _is_offload(each)], None)
    return None


def _is_offload(taint: Mapping[str, Any]) -> bool:
    return (taint["key"], taint["effect"]) == (KEY, EFFECT)


def _change(
    node: Mapping[str, Any], taints: list[Mapping[str, Any]], mark: str | None
) -> Change:
    return {
        "metadata": {
            "resourceVersion": node["metadata"]["resourceVersion"],
            "annotations": {OURS: mark},
        },
        "spec": {"taints": taints or None},
    }
