"""Which node the labels of a series name. Pure rules."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kube.nodes import Node

_USUAL = ("node", "kubernetes_node", "nodename", "hostname", "Hostname", "host")
_INSTANCE = "exported_instance"
# A gateway or another Prometheus has handed the series on: `exported_X` is what its
# exporter said, and X is the gateway's. Without honor_labels Prometheus does so.
_EXPORTED = tuple(f"exported_{each}" for each in _USUAL)


@dataclass(frozen=True)
class Match:
    """The node that a series is of."""

    node: str
    qualified: str | None = None
    """A name with a domain of which only the first part names the node."""


class Names:
    """Finds the node that labels name."""

    def __init__(self, nodes: Iterable[Node], node_map: Mapping[str, str]) -> None:
        self._map = node_map
        # None: the name of several nodes.
        self._nodes: dict[str, str | None] = {}
        self._short: dict[str, str | None] = {}
        for node in nodes:
            for name in (node.name, node.hostname or node.name, *node.addresses):
                known = name.lower().rstrip(".")
                _add(self._nodes, known, node.name)
                if (short := _short(known)) is not None:
                    _add(self._short, short, node.name)

    def find(self, labels: Mapping[str, str], own_label: str | None) -> Match | None:
        """The one node that the labels mean; `own_label` is asked before the others."""
        for name in self._candidates(labels, own_label):
            if name in self._map:
                return Match(self._map[name])
            if (match := self._look_up(name.lower().rstrip("."))) is not None:
                return match
        return None

    def _look_up(self, name: str) -> Match | None:
        if name in self._nodes:
            node = self._nodes[name]
            return None if node is None else Match(node)
        short = _short(name)
        if short is None:
            node = self._short.get(name)
            return None if node is None else Match(node)
        # A node that has a domain itself is not one of another domain.
        node = None if short in self._short else self._nodes.get(short)
        return None if node is None else Match(node, name)

    def _candidates(
        self, labels: Mapping[str, str], own_label: str | None
    ) -> Iterator[str]:
        relayed = _INSTANCE in labels or any(each in labels for each in _EXPORTED)
        instance = labels.get(_INSTANCE if relayed else "instance", "")
        if instance in self._map:
            yield instance
        if own_label is not None:
            yield labels.get(f"exported_{own_label}") or labels.get(own_label, "")
        for label in _EXPORTED if relayed else _USUAL:
            if label in labels:
                yield labels[label]
        # With a job alone it came through a gateway too, whose host says nothing.
        if relayed or "exported_job" not in labels:
            yield host_of(instance)


def _add(names: dict[str, str | None], name: str, node: str) -> None:
    if names.setdefault(name, node) != node:
        names[name] = None


def _short(name: str) -> str | None:
    """The first part of a name with a domain; None without one, or of an address."""
    first, dot, _ = name.partition(".")
    is_address = ":" in name or name.replace(".", "").isdigit()
    return first if dot and not is_address else None


def host_of(instance: str) -> str:
    """The host of `host:port`, `[v6]:port` or `http://host:port/path`."""
    place = instance.partition("://")[2].partition("/")[0] or instance
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.startswith("[")):
        host = place
    return host.removeprefix("[").removesuffix("]")
