"""Taking over what a Helm release has made: it goes on running, nothing is made anew.

What the launcher makes itself gets its label, and is changed by the steps that follow.
The rest of the release (page, agent, retention, ...) stays as if `kubectl apply` had
made it, as the launcher's parts do. Helm then forgets the release.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from common.errors import OperatorError
from common.files import write_text
from kube import helm
from kube.client import Object
from kube.cluster import Cluster
from kube.objects import MADE_BY, MANAGED_BY, MANAGER, OURS, may_be_adopted
from kube.resources import CONFIGMAP, SCALEDJOB, SECRET, Kind
from launcher import in_cluster, manifests

_HELMS: Mapping[str, Mapping[str, None]] = {
    "labels": {MADE_BY: None, MANAGED_BY: None}
    | dict.fromkeys((helm.CHART_LABEL, helm.INSTANCE_LABEL)),
    "annotations": dict.fromkeys((helm.RELEASE_NAME, helm.RELEASE_NAMESPACE)),
}


@dataclass(frozen=True)
class Adoption:
    """Takes over one release; twice is the same as once."""

    open_cluster: Callable[[], Cluster]
    scaledjob: str
    rest: Path
    """Where the manifest of what stays beside the launcher is written."""

    def take(self) -> str:
        """Mark everything anew, and let Helm forget the release.

        Raises:
            OperatorError: there are several, Flux keeps it, Helm's record cannot be
                read, or the API server refuses.
        """
        found = self._found()
        if found is None:
            return "nothing of the chart is here"
        cluster, (release, own, rest) = self.open_cluster(), found
        for each in rest:
            _unmark(cluster, each, release.name)
        if rest:
            write_text(self.rest, yaml.safe_dump_all(rest, sort_keys=False))
        # The ScaledJob last: as long as it is the release's, this can be tried again.
        for kind, each in own[1:]:
            _mark(cluster, kind, each)
        helm.forget(cluster, release)
        _mark(cluster, *own[0])
        said = f"{len(own)} taken over; the Helm release {release.name} is no more"
        return said + (f"; beside them {self._remains(rest)}" if rest else "")

    def preview(self) -> str:
        """What `take` would do.

        Raises:
            OperatorError: as there.
        """
        found = self._found()
        if found is None:
            return "nothing of the chart is here"
        release, own, rest = found
        said = f"would take over {len(own)} objects of the Helm release {release.name}"
        return said + (f", and leave {len(rest)} as parts" if rest else "")

    def _remains(self, rest: list[Object]) -> str:
        kinds = [each["kind"] for each in rest]
        names = ", ".join(f"{kinds.count(k)} {k}" for k in dict.fromkeys(kinds))
        return f"stay as yours: {names} (to end them: kubectl delete -f {self.rest})"

    def _found(
        self,
    ) -> tuple[helm.Release, list[tuple[Kind, Object]], list[Object]] | None:
        """The release, what of it is the launcher's from now on, and the rest of it."""
        cluster = self.open_cluster()
        places = [
            (SCALEDJOB, self.scaledjob),
            (CONFIGMAP, manifests.SETTINGS),
            (SECRET, manifests.SETTINGS),
            *in_cluster.places(cluster.namespace, self.scaledjob),
        ]
        there = [(kind, cluster.find(kind, name)) for kind, name in places]
        own = [(kind, each) for kind, each in there if each and may_be_adopted(each)]
        names = {helm.release_of(each) for _, each in own} - {None}
        if not names:
            return None
        release = helm.read_release(cluster, _one(names))
        _check(cluster, release, own)
        known = {(kind.kind, name) for kind, name in places}
        rest = [
            _placed(cluster, each)
            for each in release.objects
            if (each["kind"], each["metadata"]["name"]) not in known
        ]
        return release, own, rest


def _one(names: set[str | None]) -> str:
    if len(names) > 1:
        told = ", ".join(sorted(map(str, names)))
        raise OperatorError(
            f"several Helm releases have made what is to be taken over: {told}; end "
            "all but one of them (helm uninstall)"
        )
    return str(next(iter(names)))


def _check(
    cluster: Cluster, release: helm.Release, own: list[tuple[Kind, Object]]
) -> None:
    for kind, each in own:
        if keeper := helm.flux_of(each):
            raise OperatorError(
                f"Flux would install it again: {kind.kind} {each['metadata']['name']} "
                f"is of its HelmRelease {keeper}; delete that in your repository first"
            )
    # With one left an earlier try has come nearly to its end.
    if not release.records and len(own) > 1:
        raise OperatorError(
            f"{cluster.namespace} has no Secret with Helm's record of the release "
            f"{release.name} (HELM_DRIVER, or another namespace?)"
        )


def _placed(cluster: Cluster, wanted: Object) -> Object:
    """An object of the manifest, with its namespace and without Helm's labels."""
    metadata = dict(wanted["metadata"])
    labels = metadata.get("labels") or {}
    helms = _HELMS["labels"]
    metadata["labels"] = {k: text for k, text in labels.items() if k not in helms}
    if cluster.kind_of(wanted).namespaced:
        metadata.setdefault("namespace", cluster.namespace)
    return {**wanted, "metadata": metadata}


def _mark(cluster: Cluster, kind: Kind, found: Object) -> None:
    labels = {**_HELMS["labels"], **OURS}
    change = {"metadata": {**_HELMS, "labels": labels}}
    cluster.patch(kind, found["metadata"]["name"], change, manager=MANAGER)


def _unmark(cluster: Cluster, each: Object, release: str) -> None:
    """Take Helm's marks off, if it is still there and the release's."""
    kind, metadata = cluster.kind_of(each), each["metadata"]
    name, space = metadata["name"], metadata.get("namespace")
    found = cluster.find(kind, name, space)
    if found and helm.release_of(found) == release:
        change = {"metadata": dict(_HELMS)}
        cluster.patch(kind, name, change, manager=MANAGER, namespace=space)
