"""Where loads come from, as whoever chooses a node sees it."""

from collections.abc import Iterable
from typing import Protocol

from kube.nodes import Node
from placement.loads.readings import Survey
from placement.settings import LoadSettings, PrometheusSettings


class LoadSource(Protocol):
    """Tells the loads of nodes; its methods raise MetricsError when it cannot."""

    def survey(self, nodes: Iterable[Node], loads: LoadSettings) -> Survey:
        """One reading for each node that has a load."""

    def ratio_hints(self, loads: LoadSettings) -> tuple[str, ...]:
        """What to say of series that look like ratios; costs a look at hours."""


def load_source(settings: PrometheusSettings) -> LoadSource:
    """The source that these settings name; nothing is connected yet.

    Raises:
        MetricsError: a certificate file cannot be used.
    """
    # Imported here so that --help and wrong settings answer at once.
    from placement.loads.prometheus import Prometheus

    return Prometheus(settings)
