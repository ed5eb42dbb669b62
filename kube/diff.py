"""What a dry run would change in an object, as a reader of diffs expects it. Pure."""

import base64
import difflib
from collections.abc import Mapping
from typing import Any

import yaml

# Set by the server, and different after every change.
_NOISE = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], title: str
) -> str:
    """A unified diff of two states of an object; empty if there is none.

    `before` is None where there is no such object yet. The values of a Secret are
    replaced by their lengths and, where they differ, by the word changed.
    """
    old, new = _lines(before, None), _lines(after, before)
    return "\n".join(difflib.unified_diff(old, new, title, title, n=2, lineterm=""))


def _lines(
    found: Mapping[str, Any] | None, before: Mapping[str, Any] | None
) -> list[str]:
    if found is None:
        return []
    shown = {key: value for key, value in found.items() if key != "status"}
    shown["metadata"] = _without_noise(found["metadata"])
    if found.get("kind") == "Secret":
        earlier = (before or {}).get("data") or {}
        data = found.get("data") or {}
        shown["data"] = {key: _masked(data[key], earlier.get(key)) for key in data}
    return str(yaml.safe_dump(shown, sort_keys=True)).splitlines()


def _without_noise(metadata: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in metadata.items() if key not in _NOISE}
    annotations = dict(kept.pop("annotations", None) or {})
    annotations.pop(_APPLIED, None)  # a Secret made by kubectl holds its values here
    return kept | ({"annotations": annotations} if annotations else {})


def _masked(value: str, before: str | None) -> str:
    changed = ", changed" if before is not None and before != value else ""
    return f"({len(base64.b64decode(value))} bytes{changed})"
