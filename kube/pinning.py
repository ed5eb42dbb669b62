"""Where the chosen node is kept: in the ScaledJob's affinity, or in a ConfigMap.

From the ConfigMap an admission policy (deploy/admission.yaml) gives each Job its node,
at the moment it is made.
"""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from kube import scaledjobs
from kube.client import Client, Object
from kube.errors import ClusterError
from kube.resources import CONFIGMAP, SCALEDJOB

log = logging.getLogger("placement.watcher")

MANAGER = "gpu-affinity-watcher"
_CONFLICTS = 5  # times that somebody else may change the ScaledJob in between
_NODE, _HOSTNAME, _DECISION = "node", "hostname", "decision"


def choice_name(scaledjob: str) -> str:
    """What the ConfigMap of a ScaledJob's choice is called."""
    return f"{scaledjob}-choice"


class Pinning(Protocol):
    """How the choice of one ScaledJob is read and written."""

    def read(self) -> Object:
        """The ScaledJob, pinned to the chosen node as its Jobs will be."""

    def write(
        self, scaledjob: Mapping[str, Any], node: str, hostname: str, decision: str
    ) -> Object:
        """Let its Jobs run on `node` only; gives it as `read` does then."""


class InAffinity:
    """In the ScaledJob itself, which KEDA copies to its Jobs."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name

    def read(self) -> Object:
        """The ScaledJob as it is."""
        return self._client.get(SCALEDJOB, self._name)

    def write(
        self, scaledjob: Mapping[str, Any], node: str, hostname: str, decision: str
    ) -> Object:
        """Patch it; if it has been changed since it was read, it is read again."""
        for _ in range(_CONFLICTS):
            change = scaledjobs.pin_change(scaledjob, node, hostname, decision)
            try:
                return self._patch(change)
            except ClusterError as error:
                if error.status != 409:
                    raise
                log.info("somebody else changed the ScaledJob; reading it again")
            scaledjob = self.read()
        raise ClusterError(
            f"the ScaledJob was changed by others {_CONFLICTS} times in a row", 409
        )

    def _patch(self, change: Object) -> Object:
        return self._client.patch(SCALEDJOB, self._name, change, manager=MANAGER)


class InConfigMap:
    """In a ConfigMap beside it; the ScaledJob is never changed for a move."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name
        self._choice = choice_name(name)

    def read(self) -> Object:
        """The ScaledJob, with the affinity that amounts to the same."""
        return self._with(self._client.find(CONFIGMAP, self._choice))

    def write(
        self, scaledjob: Mapping[str, Any], node: str, hostname: str, decision: str
    ) -> Object:
        """Apply the ConfigMap."""
        # Says what contradicts, before anything is changed.
        scaledjobs.pin_change(scaledjob, node, hostname, decision)
        found = self._client.get(SCALEDJOB, self._name)
        if change := scaledjobs.unpin_change(found):
            # Of the other mode: together the two would fit no node.
            self._client.patch(SCALEDJOB, self._name, change, manager=MANAGER)
        labels = {"app.kubernetes.io/part-of": "posture-analyzer"}
        wanted = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": self._choice, "labels": labels},
            "data": {_NODE: node, _HOSTNAME: hostname, _DECISION: decision},
        }
        return self._with(self._client.apply(CONFIGMAP, wanted, manager=MANAGER))

    def _with(self, choice: Mapping[str, Any] | None) -> Object:
        found = self._client.get(SCALEDJOB, self._name)
        scaledjobs.check(found, "the ScaledJob in the cluster")
        data = (choice or {}).get("data") or {}
        other_mode = scaledjobs.unpin(found)
        # Of both together there is none: `write` makes it one again.
        if {_NODE, _HOSTNAME} <= data.keys() and not other_mode:
            decision = data.get(_DECISION)
            scaledjobs.pin(found, data[_NODE], data[_HOSTNAME], decision)
        return found
