"""Whether the cluster is the right one and takes what a launch will do."""

from collections.abc import Callable
from dataclasses import dataclass

from kube import objects, scaledjobs
from kube.cluster import Cluster
from kube.errors import ClusterError, ManifestError
from kube.nodes import Node
from kube.objects import MANAGER
from kube.resources import CONFIGMAP, NAMESPACE, SCALEDJOB, SECRET
from launcher import manifests
from launcher.preflight import Check, CheckError
from launcher.settings import LauncherSettings
from placement.eligibility import has_label

# group, resource, verbs
_RIGHTS = (
    ("keda.sh", "scaledjobs", "get list create patch delete"),
    ("", "secrets", "get create patch delete"),
    ("", "configmaps", "get create patch delete"),
    ("", "nodes", "get list watch"),
    ("", "pods", "list watch delete"),
    ("", "events", "create"),
    ("batch", "jobs", "list watch delete"),
)


@dataclass(frozen=True)
class ClusterChecks:
    """What the API server is asked for one set of settings."""

    settings: LauncherSettings
    open_cluster: Callable[[], Cluster]
    adopt: bool = False
    """Whether what a chart has made will be taken over first."""

    def all(self) -> list[Check]:
        """Each of them."""
        return [
            Check("cluster", self.cluster),
            Check("rights", self.rights),
            Check("manifest", self.manifest),
            Check("settings", self.own_settings),
            Check("neighbours", self.neighbours),
            Check("nodes", self.nodes),
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
        cluster = self.open_cluster()
        objects.apply(cluster, SCALEDJOB, scaledjob, dry_run=True, adopt=self.adopt)
        return f"{base} is accepted"

    def own_settings(self) -> str:
        """That Secret and ConfigMap are ours, or not there yet."""
        cluster = self.open_cluster()
        for kind in (SECRET, CONFIGMAP):
            found = cluster.find(kind, manifests.SETTINGS)
            objects.check_ours(cluster, kind, found, adopt=self.adopt)
        return f"Secret and ConfigMap {manifests.SETTINGS} can be set by {MANAGER}"

    def neighbours(self) -> str:
        """That no other installation of the launcher is in the namespace.

        Both would have the same Secret, ConfigMap and Deployments.
        """
        cluster, wanted = self.open_cluster(), self.settings.cluster.scaledjob
        found = {each["metadata"]["name"]: each for each in cluster.find_all(SCALEDJOB)}
        found.pop(wanted, None)
        if ours := [name for name, each in found.items() if objects.is_ours(each)]:
            raise CheckError(
                f"the launcher has installed {', '.join(sorted(ours))} in "
                f"{cluster.namespace} already: with the same Secret and scaler",
                f"python stop.py --scaledjob {min(ours)}, or another NAMESPACE",
            )
        charts = [name for name, each in found.items() if objects.is_of_chart(each)]
        if charts:
            return f"beside {', '.join(sorted(charts))} of the chart"
        return f"nothing else of ours is in {cluster.namespace}"

    def nodes(self) -> str:
        """That there is a node for the worker."""
        label = self.settings.choice.label
        labelled = labelled_nodes(self.settings, self.open_cluster)
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


def labelled_nodes(
    settings: LauncherSettings, open_cluster: Callable[[], Cluster]
) -> list[Node]:
    """The nodes that the worker may run on, by their label."""
    label = settings.choice.label
    return [each for each in open_cluster().nodes() if has_label(each, label)]
