"""What one look at the cluster means to the scaler."""

import pytest

from kube.cluster import Snapshot
from kube.errors import ManifestError
from kube.jobs import our_jobs
from scaler.snapshot import situation
from tests.fixtures.scaledjobs import scaledjob

NAME = "posture-analyzer-scaledjob"
DONE, FAILED = {"Complete": "True"}, {"Failed": "True"}


def job(uid, conditions=None, *, owner=NAME, **metadata):
    """A Job as the API has it, of the ScaledJob or of somebody else."""
    return {
        "metadata": {
            "name": uid,
            "uid": uid,
            "creationTimestamp": "2026-11-25T08:00:00Z",
            "ownerReferences": [{"kind": "ScaledJob", "name": owner}],
            **metadata,
        },
        "spec": {"template": {"spec": {}}},
        "status": {
            "conditions": [
                {"type": kind, "status": status}
                for kind, status in (conditions or {}).items()
            ]
        },
    }


def seen(*jobs, **spec):
    found = scaledjob({})
    found["spec"] |= spec
    return situation(Snapshot(found, [], our_jobs(jobs, [], NAME)), 5.0)


def test_a_job_is_unfinished_until_it_says_that_it_is_complete_or_has_failed():
    jobs = seen(
        job("new"),
        job("suspended", {"Suspended": "True"}),
        job("not-yet", {"Complete": "False"}),
        job("done", DONE),
        job("failed", FAILED),
        job("both", DONE | FAILED),
    ).jobs
    assert jobs.unfinished == {"new", "suspended", "not-yet"}
    assert jobs.complete == {"done"}
    assert jobs.at == 5.0


def test_a_job_that_was_told_to_end_has_answered_nothing():
    jobs = seen(job("told", DONE, deletionTimestamp="2026-11-25T09:00:00Z")).jobs
    assert jobs.complete == frozenset()


def test_a_job_of_somebody_else_with_the_same_label_does_not_count():
    assert seen(job("copied", owner="another")).jobs.unfinished == frozenset()


@pytest.mark.parametrize(("spec", "most"), [({}, 100), ({"maxReplicaCount": 3}, 3)])
def test_the_most_jobs_are_what_keda_would_make(spec, most):
    assert seen(**spec).carried.most == most


def test_what_is_no_scaledjob_is_said():
    with pytest.raises(ManifestError, match="the ScaledJob in the cluster"):
        situation(Snapshot({"kind": "ScaledJob"}, [], []), 5.0)
