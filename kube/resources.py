"""Where the API keeps the kinds of objects that this system reads or changes."""

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of objects; those without a namespace belong to the whole cluster."""

    group: str
    """With its version, as `v1` or `apps/v1`."""

    plural: str
    kind: str
    namespaced: bool = True

    def path(self, namespace: str | None, name: str = "") -> str:
        """The path of all objects in `namespace`, or everywhere; with `name` of one."""
        path = f"{api(self.group)}"
        if self.namespaced and namespace:
            path += f"/namespaces/{namespace}"
        return f"{path}/{self.plural}/{name}" if name else f"{path}/{self.plural}"


def api(group: str) -> str:
    """The path of a group; the oldest one has no name."""
    return f"/apis/{group}" if "/" in group else f"/api/{group}"


NAMESPACE = Kind("v1", "namespaces", "Namespace", namespaced=False)
NODE = Kind("v1", "nodes", "Node", namespaced=False)
POD = Kind("v1", "pods", "Pod")
EVENT = Kind("v1", "events", "Event")
SECRET = Kind("v1", "secrets", "Secret")
CONFIGMAP = Kind("v1", "configmaps", "ConfigMap")
VOLUME_CLAIM = Kind("v1", "persistentvolumeclaims", "PersistentVolumeClaim")
VOLUME = Kind("v1", "persistentvolumes", "PersistentVolume", namespaced=False)
DEPLOYMENT = Kind("apps/v1", "deployments", "Deployment")
SERVICE = Kind("v1", "services", "Service")
SERVICE_ACCOUNT = Kind("v1", "serviceaccounts", "ServiceAccount")
_RBAC = "rbac.authorization.k8s.io/v1"
ROLE = Kind(_RBAC, "roles", "Role")
ROLE_BINDING = Kind(_RBAC, "rolebindings", "RoleBinding")
CLUSTER_ROLE = Kind(_RBAC, "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDING = Kind(
    _RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False
)
DISRUPTION_BUDGET = Kind("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget")
NETWORK_POLICY = Kind("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy")
LEASE = Kind("coordination.k8s.io/v1", "leases", "Lease")
JOB = Kind("batch/v1", "jobs", "Job")
SCALEDJOB = Kind("keda.sh/v1alpha1", "scaledjobs", "ScaledJob")
ACCESS_REVIEW = Kind(
    "authorization.k8s.io/v1",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
    namespaced=False,
)

IN_CLUSTER = {
    each.kind: each
    for each in (
        SECRET,
        CONFIGMAP,
        SERVICE,
        SERVICE_ACCOUNT,
        ROLE,
        ROLE_BINDING,
        CLUSTER_ROLE,
        CLUSTER_ROLE_BINDING,
        DISRUPTION_BUDGET,
        NETWORK_POLICY,
        LEASE,
        DEPLOYMENT,
    )
}
"""What scaler and watcher are made of in the cluster, by the name of the kind."""
