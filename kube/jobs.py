"""Our Jobs and their pods, as far as placement has to know them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from kube import affinity

LABEL = "scaledjob.keda.sh/name"
"""Label that KEDA gives to the Jobs and pods of a ScaledJob."""

State = Literal["unfinished", "complete", "failed"]


@dataclass(frozen=True)
class Pod:
    """One pod of a Job."""

    name: str
    node: str | None
    """The node that it was bound to."""

    misfit: str | None
    """What the scheduler says when it finds no node for it."""

    finished: bool = False
    deleting: bool = False
    owners: tuple[str, ...] = ()
    """The uids of what it belongs to."""


@dataclass(frozen=True)
class Job:
    """A Job of our ScaledJob."""

    name: str
    uid: str
    created: float
    """Seconds since 1970."""

    hostname: str | None
    """The host name that its pods are pinned to."""

    pods: tuple[Pod, ...] = ()
    deleting: bool = False
    state: State = "unfinished"

    @property
    def nodes(self) -> set[str]:
        """Where its live pods are."""
        return {pod.node for pod in self.pods if pod.node and not pod.finished}

    @property
    def misfit(self) -> str | None:
        """Why a pod of it finds no node, if so."""
        return next((pod.misfit for pod in self.pods if pod.misfit), None)


def our_jobs(
    jobs: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]], name: str
) -> list[Job]:
    """The Jobs, of those with `LABEL`, that the ScaledJob `name` owns."""
    read = (read_job(each, name) for each in jobs)
    return with_pods(filter(None, read), map(read_pod, pods))


def with_pods(jobs: Iterable[Job], pods: Iterable["Pod"]) -> list[Job]:
    """The Jobs, each with its pods."""
    by_owner: dict[str, list[Pod]] = {}
    for pod in pods:
        for owner in pod.owners:
            by_owner.setdefault(owner, []).append(pod)
    return [
        replace(each, pods=tuple(by_owner[each.uid])) if each.uid in by_owner else each
        for each in jobs
    ]


def unfinished(jobs: Iterable[Job]) -> list[Job]:
    """Those that KEDA counts: one that is being deleted counts until it is gone."""
    return [each for each in jobs if each.state == "unfinished"]


def count_by_node(jobs: Iterable[Job]) -> dict[str, int]:
    """How many Jobs run on each node."""
    counts: dict[str, int] = {}
    for job in jobs:
        for node in job.nodes:
            counts[node] = counts.get(node, 0) + 1
    return counts


def is_owned(job: Mapping[str, Any], name: str) -> bool:
    """Whether a Job with the label is owned by the ScaledJob called `name` as well.

    A label is easily copied; what KEDA made has both.
    """
    owners = job["metadata"].get("ownerReferences") or ()
    return any(
        (owner.get("kind"), owner.get("name")) == ("ScaledJob", name)
        for owner in owners
    )


def _state(job: Mapping[str, Any]) -> State:
    conditions = (job.get("status") or {}).get("conditions") or ()
    true = {each["type"] for each in conditions if each["status"] == "True"}
    if "Failed" in true:
        return "failed"
    return "complete" if "Complete" in true else "unfinished"


def read_job(job: Mapping[str, Any], name: str) -> Job | None:
    """What an object of the API says, without pods; None if not the ScaledJob's."""
    if not is_owned(job, name):
        return None
    metadata = job["metadata"]
    return Job(
        metadata["name"],
        metadata["uid"],
        datetime.fromisoformat(metadata["creationTimestamp"]).timestamp(),
        _hostname(job["spec"]["template"]["spec"]),
        deleting="deletionTimestamp" in metadata,
        state=_state(job),
    )


def _hostname(pod: Mapping[str, Any]) -> str | None:
    """By the affinity of its ScaledJob, or by the selector of the admission policy."""
    selected: str | None = (pod.get("nodeSelector") or {}).get(affinity.HOSTNAME)
    return affinity.pinned_hostname(pod) or selected


def read_pod(pod: Mapping[str, Any]) -> Pod:
    """What an object of the API says."""
    status = pod.get("status") or {}
    unscheduled = (
        each.get("message") or each.get("reason") or "Unschedulable"
        for each in status.get("conditions") or ()
        if each["type"] == "PodScheduled" and each["status"] == "False"
    )
    return Pod(
        pod["metadata"]["name"],
        pod["spec"].get("nodeName"),
        next(unscheduled, None),
        status.get("phase") in ("Succeeded", "Failed"),
        "deletionTimestamp" in pod["metadata"],
        tuple(each["uid"] for each in pod["metadata"].get("ownerReferences") or ()),
    )
