"""The door to the watcher's metrics: nodes, their loads, and which one is chosen."""

from dataclasses import dataclass

import urllib3
from prometheus_client.parser import text_string_to_metric_families

from page.errors import PageError

_PREFIX = "posture_placement_"
_DEADLINE = 3.0  # seconds
_MOST = 4 << 20  # bytes


@dataclass(frozen=True)
class Node:
    """One node as the watcher sees it: load in percent, age in seconds."""

    name: str
    load: float | None
    age: float | None
    eligible: bool
    chosen: bool


def read_nodes(url: str) -> list[Node]:
    """The nodes, the chosen one first, then by load.

    Raises:
        PageError: the watcher does not answer as it should.
    """
    try:
        with urllib3.PoolManager(retries=False) as pool:
            answer = pool.request(
                "GET",
                url,
                timeout=urllib3.Timeout(total=_DEADLINE),
                preload_content=False,
            )
            body = answer.read(_MOST)
    except urllib3.exceptions.HTTPError as error:
        raise PageError(f"{url} does not answer: {error}") from error
    if answer.status != 200:
        raise PageError(f"{url} answers {answer.status}: check PAGE_PLACEMENT_URL")
    return _nodes(_by_node(body, url))


def _by_node(body: bytes, url: str) -> dict[str, dict[str, float]]:
    """For each node what is told of it, by the name of the metric."""
    told: dict[str, dict[str, float]] = {}
    try:
        for family in text_string_to_metric_families(body.decode()):
            for sample in family.samples:
                if "node" in sample.labels and sample.name.startswith(_PREFIX):
                    one = told.setdefault(sample.labels["node"], {})
                    one[sample.name.removeprefix(_PREFIX)] = sample.value
    except (ValueError, KeyError) as error:
        raise PageError(f"{url} answers no metrics: {error}") from error
    return told


def _nodes(told: dict[str, dict[str, float]]) -> list[Node]:
    nodes = [
        Node(
            name,
            one.get("node_load_percent"),
            one.get("node_sample_age_seconds"),
            bool(one.get("node_eligible")),
            bool(one.get("chosen")),
        )
        for name, one in told.items()
    ]
    unknown = float("inf")
    return sorted(
        nodes,
        key=lambda n: (not n.chosen, unknown if n.load is None else n.load, n.name),
    )
