"""What is checked before anything is changed, and the command that mends each finding.

Docker, the cluster, KEDA, the nodes and their loads, and this machine's ports. Broker
and database are checked with the worker's own code.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from common import processes
from kube import objects, scaledjobs
from kube.cluster import Cluster
from kube.errors import ClusterError, ManifestError
from kube.nodes import Node
from kube.objects import MANAGER
from kube.resources import CONFIGMAP, DEPLOYMENT, NAMESPACE, SCALEDJOB, SECRET
from launcher import manifests
from launcher.docker import Docker
from launcher.preflight import Check, CheckError, Doubt
from launcher.run_dir import Trace
from launcher.settings import ImageSettings, LauncherSettings
from placement.decision import Reading
from placement.eligibility import has_label
from placement.errors import MetricsError
from placement.loads.source import load_source

OLDEST_KEDA = (2, 17)
"""Before it, spec.rollout and TLS to an external scaler work differently."""

_KEDA = "helm upgrade --install keda kedacore/keda -n keda --create-namespace"
# group, resource, verbs
_RIGHTS = (
    ("keda.sh", "scaledjobs", "get list create patch delete"),
    ("", "secrets", "get create patch delete"),
    ("", "configmaps", "get create patch delete"),
    ("", "nodes", "get list"),
    ("", "pods", "list delete"),
    ("", "events", "create"),
    ("batch", "jobs", "list delete"),
)


def docker_checks(settings: ImageSettings, docker: Docker) -> list[Check]:
    """Whether the image can be built and pushed."""
    return [
        Check("docker", docker.check_engine),
        Check("buildx", lambda: docker.check_buildx(settings.platforms)),
        Check("login", lambda: docker.check_login(settings.repository)),
    ]


@dataclass(frozen=True)
class Checks:
    """The checks of one set of settings."""

    settings: LauncherSettings
    trace: Trace
    open_cluster: Callable[[], Cluster]

    def all(self) -> list[Check]:
        """Every check but Docker's, the broker's and the database's."""
        return [
            Check("cluster", self.cluster),
            Check("rights", self.rights),
            Check("keda", self.keda),
            Check("manifest", self.manifest),
            Check("settings", self.own_settings),
            Check("nodes", self.nodes),
            Check("loads", self.loads),
            Check("ports", self.ports),
        ]

    def cluster(self) -> str:
        """Which cluster it is, and that the namespace is there."""
        cluster = self.open_cluster()
        version, namespace = cluster.version(), cluster.namespace
        try:
            found = cluster.find(NAMESPACE, namespace)
        except ClusterError as error:
            if error.status != 403:
                raise
        else:
            if found is None:
                raise CheckError(
                    f"{cluster.host} has no namespace {namespace}",
                    f"kubectl create namespace {namespace}",
                )
        return f"{cluster.host}, {version}, namespace {namespace}"

    def rights(self) -> str:
        """That we may do all that we will do."""
        cluster, missing = self.open_cluster(), []
        for group, resource, verbs in _RIGHTS:
            for verb in verbs.split():
                everywhere = resource == "nodes"
                if not cluster.may(verb, group, resource, everywhere=everywhere):
                    missing.append(f"{verb} {resource}")
        if missing:
            namespace = cluster.namespace
            raise CheckError(
                f"this user may not: {', '.join(missing)}",
                f"ask for a role that may; see it: kubectl -n {namespace} auth can-i "
                f"{missing[0]}",
            )
        return "everything that is needed is allowed"

    def keda(self) -> str:
        """That KEDA is there, new enough, and running."""
        cluster = self.open_cluster()
        if not cluster.serves(SCALEDJOB):
            raise CheckError("KEDA is not installed", _KEDA)
        return check_operator(_operators(cluster))

    def manifest(self) -> str:
        """That the manifest is ours, and the API server takes it."""
        base, wanted = self.settings.manifest.base, self.settings.cluster.scaledjob
        scaledjob = scaledjobs.read_manifest(base)
        name = scaledjob["metadata"].get("name")
        if name != wanted:
            raise CheckError(
                f"{base} is called {name}, expected {wanted}",
                f"name it so in {base}, or set SCALEDJOB={name}",
            )
        if not scaledjobs.keeps_running_jobs(scaledjob):
            raise CheckError(
                f"{base}: KEDA would end running Jobs at every change of the node",
                f"add under spec in {base}: rollout: {{strategy: gradual}}",
            )
        try:
            # Also what else launcher and watcher rely on.
            manifests.complete(scaledjob, "image", "here:1")
        except ManifestError as error:
            raise CheckError(f"{base}: {error}", f"edit {base}") from error
        objects.apply(self.open_cluster(), SCALEDJOB, scaledjob, dry_run=True)
        return f"{base} is accepted"

    def own_settings(self) -> str:
        """That Secret and ConfigMap are ours, or not there yet."""
        cluster = self.open_cluster()
        for kind in (SECRET, CONFIGMAP):
            found = cluster.find(kind, manifests.SETTINGS)
            objects.check_ours(cluster, kind, found)
        return f"Secret and ConfigMap {manifests.SETTINGS} can be set by {MANAGER}"

    def nodes(self) -> str:
        """That there is a node for the worker."""
        label = self.settings.choice.label
        labelled = self._labelled()
        if not labelled:
            key, _, value = label.partition("=")
            raise CheckError(
                f"no node carries the label {label}",
                f"kubectl label node NAME {key}={value or 'true'}",
            )
        fit = [each.name for each in labelled if each.ready and not each.cordoned]
        if not fit:
            names = ", ".join(each.name for each in labelled)
            raise CheckError(
                f"none of the nodes with the label {label} is Ready and uncordoned: "
                f"{names}",
                "kubectl get nodes; kubectl uncordon NAME",
            )
        return f"{len(fit)} of {len(labelled)} with the label {label} are ready"

    def loads(self) -> str:
        """That Prometheus knows a fresh load of each of them."""
        settings = self.settings
        labelled = self._labelled()
        try:
            source = load_source(settings.prometheus)
            survey = source.survey(labelled, settings.loads)
        except MetricsError as error:
            raise CheckError(
                str(error),
                "set PROMETHEUS_URL; see it answer: curl $PROMETHEUS_URL/-/ready",
            ) from error
        return check_loads(labelled, dict(survey.readings))

    def ports(self) -> str:
        """That nobody else listens where our helpers will."""
        if any(processes.running(each) for each in self.trace.helpers.values()):
            return "our helpers of an earlier run are there; they will be replaced"
        port = self.settings.scaler_port
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError as error:
                raise CheckError(
                    f"port {port} for KEDA cannot be opened: {error.strerror}",
                    f"see who has it: ss -ltnp 'sport = :{port}'; or set SCALER_PORT",
                ) from error
        return f"{port} is free"

    def _labelled(self) -> list[Node]:
        label = self.settings.choice.label
        return [each for each in self.open_cluster().nodes() if has_label(each, label)]


def _operators(cluster: Cluster) -> list[dict[str, Any]]:
    selector = "app.kubernetes.io/name=keda-operator"
    try:
        return cluster.find_all(DEPLOYMENT, selector, everywhere=True)
    except ClusterError as error:
        if error.status == 403:
            raise Doubt(
                "KEDA is installed; its version cannot be seen with these rights",
                "kubectl get deployments -A -l app.kubernetes.io/name=keda-operator",
            ) from error
        raise


def check_operator(operators: list[dict[str, Any]]) -> str:
    """What KEDA's Deployments say: a version that is new enough, and running.

    Raises:
        CheckError: it is too old or does not run.
        Doubt: it cannot be told.
    """
    if not operators:
        raise Doubt(
            "KEDA's operator is not seen: nothing would answer for a ScaledJob", _KEDA
        )
    found = operators[0]
    labels = found["metadata"].get("labels") or {}
    version = re.match(r"v?(\d+)\.(\d+)", labels.get("app.kubernetes.io/version", ""))
    if not version:
        raise Doubt("KEDA does not tell its version; 2.17 or later is needed", _KEDA)
    shown = labels["app.kubernetes.io/version"]
    if (int(version[1]), int(version[2])) < OLDEST_KEDA:
        raise CheckError(f"KEDA is {shown}; 2.17 or later is needed", _KEDA)
    if not (found.get("status") or {}).get("readyReplicas"):
        namespace = found["metadata"]["namespace"]
        raise CheckError(
            f"KEDA {shown} is installed but its operator is not ready",
            f"kubectl -n {namespace} describe deployment {found['metadata']['name']}",
        )
    return f"KEDA {shown}"


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
