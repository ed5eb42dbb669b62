"""Whether Prometheus knows the loads of the nodes."""

from collections.abc import Callable

from kube.cluster import Cluster
from kube.nodes import Node
from launcher.checks.cluster import labelled_nodes
from launcher.preflight import Check, CheckError, Doubt
from launcher.settings import LauncherSettings
from placement.decision import Reading
from placement.errors import MetricsError
from placement.loads.source import load_source


def load_check(
    settings: LauncherSettings, open_cluster: Callable[[], Cluster]
) -> Check:
    """That a fresh load of each of our nodes is known."""
    return Check(
        "loads", lambda: _ask(settings, labelled_nodes(settings, open_cluster))
    )


def _ask(settings: LauncherSettings, nodes: list[Node]) -> str:
    try:
        survey = load_source(settings.prometheus).survey(nodes, settings.loads)
    except MetricsError as error:
        raise CheckError(
            str(error),
            "set PROMETHEUS_URL; see it answer: curl $PROMETHEUS_URL/-/ready",
        ) from error
    return check_loads(nodes, dict(survey.readings))


def check_loads(nodes: list[Node], readings: dict[str, Reading]) -> str:
    """That at least one node has a load; nodes without one are told.

    Raises:
        CheckError: none has.
        Doubt: some have not.
    """
    unknown = {}
    for node in nodes:
        reading = readings.get(node.name)
        if reading is None or reading.problem or reading.load is None:
            why = reading.problem if reading else None
            unknown[node.name] = why or "no series of it"
    if not unknown:
        return f"a fresh load of {len(nodes)} nodes"
    told = "; ".join(f"{name}: {why}" for name, why in unknown.items())
    mend = (
        "check the exporter on the node and GPU_METRICS; see it all: "
        "python patch_scaledjob.py --dry-run --show-loads"
    )
    if len(unknown) == len(nodes):
        raise CheckError(f"no node has a load that can be believed: {told}", mend)
    raise Doubt(f"never chosen, for lack of a load: {told}", mend)
