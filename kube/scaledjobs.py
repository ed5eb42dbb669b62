"""The ScaledJob: what must be true of it, and how it is pinned to a node.

It is a mapping, be it read from a file, whose comments stay, or from the cluster.
"""

import copy
import io
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from kube import affinity
from kube.errors import ManifestError
from kube.nodes import Node, Toleration

NODE = "posture-analyzer/node"
HOSTNAME = "posture-analyzer/hostname"
DECISION = "posture-analyzer/decision"
"""Annotations: the chosen node, its host name label, and why it was chosen."""

ScaledJob = MutableMapping[str, Any]


def read_manifest(path: Path) -> ScaledJob:
    """The one ScaledJob in a file.

    Raises:
        ManifestError: there is no such file, or it holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        documents = list(_yaml().load_all(text))
    except OSError as error:
        raise ManifestError(f"{path}: cannot read it: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: it is not UTF-8 text: {error}") from error
    except YAMLError as error:
        short = " ".join(str(error).split())
        raise ManifestError(f"{path}: it is not YAML: {short}") from error
    if len(documents) != 1:
        raise ManifestError(
            f"{path}: it holds {len(documents)} documents, expected one ScaledJob; "
            "keep the others in files of their own"
        )
    check(documents[0], str(path))
    found: ScaledJob = documents[0]
    return found


def check(scaledjob: object, where: str) -> None:
    """Make sure that `scaledjob` is one, as far as this system has to rely on it.

    Raises:
        ManifestError: it is not.
    """
    if not isinstance(scaledjob, Mapping) or scaledjob.get("kind") != "ScaledJob":
        kind = scaledjob.get("kind") if isinstance(scaledjob, Mapping) else None
        raise ManifestError(f"{where}: expected a ScaledJob, found {kind or 'none'}")
    if not str(scaledjob.get("apiVersion")).startswith("keda.sh/"):
        raise ManifestError(
            f"{where}: apiVersion is {scaledjob.get('apiVersion')!r}, expected "
            "keda.sh/v1alpha1"
        )
    _check_mapping(scaledjob, ("metadata",), where)
    path = ("spec", "jobTargetRef", "template", "spec")
    for length in range(1, len(path) + 1):
        _check_mapping(scaledjob, path[:length], where)
    _check_affinity(scaledjob, where)


def pod_spec(scaledjob: Mapping[str, Any]) -> MutableMapping[str, Any]:
    """The specification of the pods of its Jobs."""
    found: MutableMapping[str, Any] = scaledjob["spec"]["jobTargetRef"]["template"][
        "spec"
    ]
    return found


def pin(
    scaledjob: ScaledJob, node: str, hostname: str, decision: str | None = None
) -> None:
    """Let its pods run on one node only, whatever node it was pinned to before.

    Raises:
        ManifestError: its own affinity, selector or nodeName says otherwise.
    """
    pod = pod_spec(scaledjob)
    metadata = scaledjob["metadata"]
    annotations = metadata.get("annotations") or {}
    affinity.unpin(pod, annotations.get(HOSTNAME))
    if problem := _contradiction(pod, node, hostname):
        raise ManifestError(f"cannot pin it to {node}: its own {problem}")
    affinity.pin(pod, hostname, None)
    if not metadata.get("annotations"):
        metadata["annotations"] = annotations
    metadata["annotations"] |= {NODE: node, HOSTNAME: hostname}
    if decision is not None:
        metadata["annotations"][DECISION] = decision


def pin_change(
    scaledjob: Mapping[str, Any], node: str, hostname: str, decision: str
) -> dict[str, Any]:
    """The merge patch that pins the ScaledJob in the cluster, if it is still the same.

    Raises:
        ManifestError: its own affinity, selector or nodeName says otherwise.
    """
    pinned = copy.deepcopy(dict(scaledjob))
    pin(pinned, node, hostname, decision)
    metadata = pinned["metadata"]
    ours = {key: metadata["annotations"][key] for key in (NODE, HOSTNAME, DECISION)}
    pod = {"affinity": pod_spec(pinned)["affinity"]}
    return {
        "metadata": {
            "resourceVersion": metadata["resourceVersion"],
            "annotations": ours,
        },
        "spec": {"jobTargetRef": {"template": {"spec": pod}}},
    }


def unpin(scaledjob: ScaledJob) -> bool:
    """Take our pin away; gives whether there was one."""
    if pinned_node(scaledjob) is None:
        return False
    annotations = scaledjob["metadata"]["annotations"]
    affinity.unpin(pod_spec(scaledjob), annotations[HOSTNAME])
    for key in (NODE, HOSTNAME, DECISION):
        annotations.pop(key, None)
    return True


def unpin_change(scaledjob: Mapping[str, Any]) -> dict[str, Any] | None:
    """The merge patch that takes our pin away; None when it has none."""
    if pinned_node(scaledjob) is None:
        return None
    bare = _without_pin(scaledjob)["affinity"]
    return {
        "metadata": {
            "resourceVersion": scaledjob["metadata"]["resourceVersion"],
            "annotations": dict.fromkeys((NODE, HOSTNAME, DECISION)),
        },
        "spec": {
            "jobTargetRef": {"template": {"spec": {"affinity": _merged_away(bare)}}}
        },
    }


def _merged_away(bare: Mapping[str, Any]) -> dict[str, Any]:
    # What is empty by now is only gone when it is named.
    kept = bare.get("nodeAffinity") or None
    return {**bare, "nodeAffinity": kept and {affinity.REQUIRED: None, **kept}}


def pinned_node(scaledjob: Mapping[str, Any]) -> str | None:
    """The node that new Jobs go to, or None when `pin` did not choose it.

    The annotation alone is not believed: the affinity has to say the same.
    """
    annotations = _annotations(scaledjob)
    hostname = annotations.get(HOSTNAME)
    if hostname is None or affinity.pinned_hostname(pod_spec(scaledjob)) != hostname:
        return None
    node: str | None = annotations.get(NODE)
    return node


def refusals(scaledjob: Mapping[str, Any], nodes: list[Node]) -> dict[str, str]:
    """Nodes that its own affinity or selector rules out, and why."""
    bare = _without_pin(scaledjob)
    found: dict[str, str] = {}
    if not bare.get("nodeSelector") and not affinity.required_terms(bare):
        return found
    for node in nodes:
        labels = {**node.labels, affinity.NAME_FIELD: node.name}
        if reason := affinity.refusal(bare, labels):
            found[node.name] = f"the ScaledJob's {reason}"
    return found


def tolerations(scaledjob: Mapping[str, Any]) -> tuple[Toleration, ...]:
    """The taints that its pods tolerate."""
    return tuple(
        Toleration(
            each.get("key") or "",
            each.get("operator") or "Equal",
            str(each.get("value") or ""),
            each.get("effect") or "",
        )
        for each in pod_spec(scaledjob).get("tolerations") or ()
    )


def keeps_running_jobs(scaledjob: Mapping[str, Any]) -> bool:
    """Whether KEDA leaves running Jobs alone when the ScaledJob changes."""
    rollout = scaledjob["spec"].get("rollout") or {}
    return bool(rollout.get("strategy") == "gradual")


def dump(scaledjob: ScaledJob) -> str:
    """Its YAML, with the comments that it was read with."""
    out = io.StringIO()
    writer = _yaml()
    if _indents_lists(scaledjob):
        writer.indent(mapping=2, sequence=4, offset=2)
    writer.dump(scaledjob, out)
    return out.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096  # long lines stay as they are
    return yaml


def _indents_lists(scaledjob: ScaledJob) -> bool:
    """Whether the file's own style has list items further in than their key."""
    spec = scaledjob["spec"]
    triggers = spec.get("triggers")
    here, there = getattr(spec, "lc", None), getattr(triggers, "lc", None)
    return here is not None and there is not None and bool(there.col > here.col)


def _check_mapping(scaledjob: Any, path: tuple[str, ...], where: str) -> None:  # noqa: ANN401
    found = scaledjob
    for key in path:
        found = found.get(key)
    if not isinstance(found, MutableMapping):
        raise ManifestError(f"{where}: {'.'.join(path)} is missing or no mapping")


def _check_affinity(scaledjob: Mapping[str, Any], where: str) -> None:
    try:
        pod = pod_spec(scaledjob)
        affinity.refusal(pod, {affinity.NAME_FIELD: ""})
        affinity.pinned_hostname(pod)
        tolerations(scaledjob)
    except (AttributeError, KeyError, TypeError) as error:
        raise ManifestError(
            f"{where}: affinity, nodeSelector or tolerations of the pod are not formed "
            f"as Kubernetes wants them ({type(error).__name__}: {error})"
        ) from error


def _contradiction(pod: Mapping[str, Any], node: str, hostname: str) -> str | None:
    if pod.get("nodeName") not in (None, node):
        return f"nodeName is {pod['nodeName']}"
    known = {affinity.HOSTNAME: hostname, affinity.NAME_FIELD: node}
    return affinity.refusal(pod, known, complete=False)


def _annotations(scaledjob: Mapping[str, Any]) -> Mapping[str, str]:
    return (scaledjob.get("metadata") or {}).get("annotations") or {}


def _without_pin(scaledjob: Mapping[str, Any]) -> Mapping[str, Any]:
    # Only the affinity is changed, so only that is copied.
    pod = dict(pod_spec(scaledjob))
    pod["affinity"] = _plain(pod.get("affinity") or {})
    annotations = _annotations(scaledjob)
    affinity.unpin(pod, annotations.get(HOSTNAME))
    return pod


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
