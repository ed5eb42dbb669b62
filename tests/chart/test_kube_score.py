"""kube-score finds nothing in the chart that has no answer here.

It is built by tests/chart/build.sh, like Helm. Images are by digest, as the launcher's
values name them. It does not know KEDA's ScaledJob, and is shown the Job that is made.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.fixtures.cache import cache_folder

pytestmark = pytest.mark.cluster

EVERYTHING = "*"
# What it remarks, of which objects, and why it is so all the same.
ANSWERS = {
    # No limit of the CPU: it would hold a worker back while the core is idle, and the
    # requests give each its share already. Memory has limits.
    ("container-resources", "CPU limit is not set"): EVERYTHING,
    # The root file system is read-only, each volume has a size of its own, and the
    # kubelet rotates logs. A limit of the sum would only be one more reason to evict a
    # pod, with a second of grace. The worker, whose volumes are large, has a request.
    (
        "container-ephemeral-storage-request-and-limit",
        "Ephemeral Storage limit is not set",
    ): EVERYTHING,
    (
        "container-ephemeral-storage-request-and-limit",
        "Ephemeral Storage request is not set",
    ): EVERYTHING,
    # An image by digest never changes, and a node starts it when the registry is away.
    (
        "container-image-pull-policy",
        "ImagePullPolicy is not set to Always",
    ): EVERYTHING,
    # A page without its database is still to be shown: it says what is wrong.
    (
        "pod-probes-identical",
        "Container has the same readiness and liveness probe",
    ): {"posture-page"},
    # Who is logged in is known to one process only.
    ("deployment-replicas", "Deployment few replicas"): {"posture-page"},
    # The old page goes before the new one comes, for the same reason.
    ("deployment-strategy", "Deployment update strategy"): {"posture-page"},
    # Beside KEDA's operator on purpose: docs/scaler.md, "In the cluster".
    (
        "deployment-has-host-podantiaffinity",
        "Deployment does not have a host podAntiAffinity set",
    ): {"posture-scaler"},
}


@pytest.fixture
def kube_score():
    program = Path(os.environ.get("HELM_ASSETS") or cache_folder("helm")) / "kube-score"
    if not program.exists():
        pytest.skip("kube-score is not built: make test-cluster")

    def score(objects):
        done = subprocess.run(
            [program, "score", "--output-format", "json", "-"],
            input=yaml.safe_dump_all(objects),
            capture_output=True,
            text=True,
            check=False,
        )
        return json.loads(done.stdout)

    return score


def job_of(scaledjob):
    target = scaledjob["spec"]["jobTargetRef"]
    metadata = {"name": scaledjob["metadata"]["name"]}
    kept = {key: target[key] for key in ("backoffLimit", "template")}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": kept}


def remarks(scored):
    for each in scored:
        name = each["object_meta"]["name"]
        for check in each["checks"]:
            for comment in check["comments"] or ():
                if not check["skipped"] and check["grade"] < 10:
                    yield check["check"]["id"], comment["summary"], name


def test_each_remark_of_kube_score_has_an_answer(helm, kube_score):
    found = helm.template(
        *(f"{part}.enabled=true" for part in ("page", "nudge", "offload")),
        "offload.node=master",
        *(
            f"images.{part}=own/{part}@sha256:{'ab' * 32}"
            for part in ("analyzer", "placement", "page", "nodeAgent")
        ),
    )
    objects = [
        job_of(each) if each["kind"] == "ScaledJob" else each for each in found.values()
    ]
    said, unanswered = set(), []
    for check, comment, name in remarks(kube_score(objects)):
        said.add((check, comment))
        who = ANSWERS.get((check, comment), set())
        if who != EVERYTHING and name not in who:
            unanswered.append(f"{name}: {check}: {comment}")
    assert unanswered == []
    assert ANSWERS.keys() == said, "an answer to what nobody asks any more"
