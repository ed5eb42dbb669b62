"""What became of ScaledJob, Jobs and workers, seen from outside while it happened."""

import threading
from collections.abc import Iterable
from contextlib import suppress

from kube import scaledjobs
from kube.client import Client
from kube.errors import ClusterError
from kube.resources import JOB, SCALEDJOB
from tests.e2e.keda import NAME
from tests.fixtures.containers import Container

_TICK = 0.3  # seconds between two looks
_OVER = ("Complete", "Failed")


class Witness(threading.Thread):
    """Looks at one namespace until it is stopped."""

    def __init__(self, client: Client) -> None:
        super().__init__(name="witness", daemon=True)
        self._client = client
        self._over = threading.Event()
        self.jobs: set[str] = set()
        """Names of all Jobs that there were."""

        self.unfinished: set[str] = set()
        self.nodes: list[str] = []
        """The nodes that the ScaledJob was pinned to, one after the other."""

    @property
    def moves(self) -> int:
        """How often the ScaledJob has gone from one node to another."""
        return max(0, len(self.nodes) - 1)

    @property
    def node(self) -> str | None:
        """The node that the ScaledJob is pinned to."""
        return self.nodes[-1] if self.nodes else None

    def run(self) -> None:
        while not self._over.wait(_TICK):
            with suppress(ClusterError):  # the API server is away
                self._look()

    def stop(self) -> None:
        self._over.set()
        self.join(30)
        self._client.close()

    def _look(self) -> None:
        found = self._client.find_all(JOB)
        self.jobs |= {each["metadata"]["name"] for each in found}
        self.unfinished = {
            each["metadata"]["name"]
            for each in found
            if not any(
                condition["type"] in _OVER and condition["status"] == "True"
                for condition in each.get("status", {}).get("conditions", ())
            )
        }
        scaledjob = self._client.find(SCALEDJOB, NAME)
        node = scaledjobs.pinned_node(scaledjob) if scaledjob else None
        if node and node != self.node:
            self.nodes.append(node)


def most_at_once(containers: Iterable[Container]) -> int:
    """The largest number of these containers whose processes ran at the same time."""
    changes = []
    for each in containers:
        changes.append((each.begun, 1))
        if not each.runs:
            changes.append((each.ended, -1))
    most = now = 0
    for _, change in sorted(changes):
        now += change
        most = max(most, now)
    return most
