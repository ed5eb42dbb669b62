"""The watcher on a real API server and a real Prometheus; only its clock is held."""

import pytest

from kube import scaledjobs
from kube.affinity import required_terms
from kube.errors import ManifestError
from tests.fixtures.control_plane import ROOT
from tests.fixtures.net import wait_until
from tests.fixtures.scene import NAME

LATER = 4e9  # a wall clock for which every Job is old
HOLD = 120


def test_the_scaledjob_follows_the_load_and_stays_when_nothing_changes(scene):
    watcher = scene.watcher()
    scene.load(10, 50)
    watcher.look(0, LATER)
    first = scene.scaledjob()
    assert scaledjobs.pinned_node(first) == scene.a
    assert "the least load" in first["metadata"]["annotations"][scaledjobs.DECISION]
    watcher.look(10, LATER)
    again = scene.scaledjob()
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    scene.load(50, 10)
    watcher.look(20, LATER)
    watcher.look(20 + HOLD - 1, LATER)
    assert scene.pinned() == scene.a
    watcher.look(20 + HOLD, LATER)
    moved = scene.scaledjob()
    assert scaledjobs.pinned_node(moved) == scene.b
    assert moved["metadata"]["uid"] == first["metadata"]["uid"]
    assert scene.events() == ["NodeChosen", "NodeChosen"]
    assert (scene.folder / "last_node.txt").read_text() == f"{scene.b}\n"
    pod = scaledjobs.pod_spec(moved)
    assert len(pod.pop("affinity")) == 1
    base = scaledjobs.pod_spec(scaledjobs.read_manifest(ROOT / "posture-job.yaml"))
    assert pod == {key: value for key, value in base.items() if key != "affinity"}


def test_a_restarted_watcher_goes_on_from_the_choice_before(scene):
    scene.load(10, 50)
    scene.watcher().look(0, LATER)
    scene.load(50, 10)
    scene.watcher().look(1e6, LATER)
    assert scene.pinned() == scene.a
    # A ScaledJob that was applied anew remembers nothing, but the file does.
    scene.plane.delete("scaledjob", NAME, scene.namespace)
    scene.plane.wait_gone("scaledjob", NAME, scene.namespace)
    scene.plane.apply(
        (ROOT / "posture-job.yaml").read_text(), namespace=scene.namespace
    )
    scene.watcher().look(0, LATER)
    assert scene.pinned() == scene.a


def test_a_dry_run_changes_nothing(scene):
    scene.load(10, 50)
    scene.watcher().look(0, LATER)
    scene.start_job()
    # The controller says a moment later that the pod is ready.
    (job,) = scene.jobs()
    wait_until(lambda: scene.jobs()[job]["status"].get("ready"), "the Job's pod", 60)
    scene.load(90, 10)
    before, jobs = scene.scaledjob(), scene.jobs()
    watcher = scene.watcher(dry_run=True)
    for now in (0, HOLD, 10_000):
        watcher.look(now, LATER)
    assert scene.scaledjob() == before
    assert scene.jobs() == jobs
    assert scene.events() == ["NodeChosen"]
    assert (scene.folder / "last_node.txt").read_text() == f"{scene.a}\n"


def test_without_any_known_load_nothing_is_patched_and_the_reason_is_said(scene):
    scene.load(10, 50)
    watcher = scene.watcher()
    watcher.look(0, LATER)
    before = scene.scaledjob()
    scene.load(None, None)
    decision, _ = watcher.look(10, LATER)
    assert decision.node is None
    scene.plane.cordon(scene.a)  # another reason, the same state
    watcher.look(1000, LATER)
    assert scene.scaledjob() == before
    assert scene.events() == ["NoNode", "NodeChosen"]


def test_prometheus_away_for_an_hour_changes_nothing(scene):
    scene.load(10, 50)
    watcher = scene.watcher(PROMETHEUS_DEADLINE="0.3")
    watcher.look(0, LATER)
    before = scene.scaledjob()
    scene.prometheus.signal(19)  # SIGSTOP: it hangs
    try:
        for now in range(0, 3600, 600):
            assert watcher.look(now, LATER)[0].node is None
    finally:
        scene.prometheus.signal(18)  # SIGCONT
    assert scene.scaledjob() == before
    scene.load(10, 50)
    wait_until(lambda: watcher.look(3600, LATER)[0].node == scene.a, "a choice")


def test_somebody_elses_change_in_between_is_kept(scene):
    scene.load(10, 50)
    watcher = scene.watcher()
    patch = scene.cluster.patch

    theirs = {"key": "noisy", "operator": "DoesNotExist"}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [theirs]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": terms}
    base = {"nodeAffinity": required}
    change = {"spec": {"jobTargetRef": {"template": {"spec": {"affinity": base}}}}}

    def after_another(kind, name, ours, **how):
        scene.cluster.patch = patch
        scene.plane.patch("scaledjob", NAME, change, scene.namespace)
        return patch(kind, name, ours, **how)

    scene.cluster.patch = after_another
    watcher.look(0, LATER)
    assert scene.pinned() == scene.a
    (term,) = required_terms(scaledjobs.pod_spec(scene.scaledjob()))
    assert theirs in term["matchExpressions"]


def test_a_scaledjob_that_is_deleted_is_waited_for(scene):
    scene.load(10, 50)
    watcher = scene.watcher()
    watcher.look(0, LATER)
    scene.plane.delete("scaledjob", NAME, scene.namespace)
    scene.plane.wait_gone("scaledjob", NAME, scene.namespace)
    assert watcher.look(10, LATER)[0].node == scene.a
    scene.plane.apply(
        (ROOT / "posture-job.yaml").read_text(), namespace=scene.namespace
    )
    watcher.look(20, LATER)
    assert scene.pinned() == scene.a


def test_a_scaledjob_whose_jobs_keda_would_kill_is_not_touched(scene):
    change = {"spec": {"rollout": {"strategy": "immediate"}}}
    scene.plane.patch("scaledjob", NAME, change, scene.namespace)
    scene.load(10, 50)
    before = scene.scaledjob()
    with pytest.raises(ManifestError, match="gradual"):
        scene.watcher().look(0, LATER)
    assert scene.scaledjob() == before


# Running Jobs


@pytest.fixture
def running(scene):
    """A Job that runs on `a`, which has just become busy."""
    scene.load(10, 50)
    scene.watcher().look(0, LATER)
    scene.job = scene.start_job()
    assert scene.node_of(scene.job) == scene.a
    scene.load(90, 10)
    return scene


def follow(watcher, start=0.0, wall=LATER):
    """Two looks, a hold apart."""
    watcher.look(start, wall)
    watcher.look(start + HOLD, wall)


def pod_of(running):
    """The metadata of the Job's one pod."""
    (pod,) = running.pods_of(running.job)
    return pod["metadata"]


def test_a_job_on_a_worse_node_is_asked_to_end_and_the_next_runs_on_the_better(running):
    watcher = running.watcher()
    watcher.look(0, LATER)
    assert "deletionTimestamp" not in running.jobs()[running.job]["metadata"]
    watcher.look(HOLD, LATER)
    wait_until(lambda: "deletionTimestamp" in pod_of(running), "its pod is to end")
    pod = pod_of(running)
    assert pod["deletionGracePeriodSeconds"] == 40
    assert [job.name for job in running.ours()] == [running.job]  # KEDA still waits
    assert "JobHandedOver" in running.events()
    running.plane.end_pod(pod["name"], running.namespace)
    running.wait_gone(running.job)
    assert running.node_of(running.start_job()) == running.b


def test_a_job_is_left_alone_without_hand_over(running):
    follow(running.watcher(HAND_OVER="false"))
    assert running.pinned() == running.b
    assert "deletionTimestamp" not in running.jobs()[running.job]["metadata"]


def test_a_young_job_is_left_alone_for_its_minimum_stay(running):
    created = running.watcher() and running.ours()[0].created
    watcher = running.watcher()
    follow(watcher, wall=created + 599)
    assert running.pinned() == running.b
    assert "deletionTimestamp" not in running.jobs()[running.job]["metadata"]
    watcher.look(HOLD + 1, created + 600)
    assert "deletionTimestamp" in running.jobs()[running.job]["metadata"]


def test_two_jobs_are_not_handed_over_within_the_minimum_stay(running):
    change = {"spec": {"maxReplicaCount": 2}}
    running.plane.patch("scaledjob", NAME, change, running.namespace)
    running.start_job()
    watcher = running.watcher()
    follow(watcher)

    def ending():
        metadata = [job["metadata"] for job in running.jobs().values()]
        return sum("deletionTimestamp" in each for each in metadata)

    assert ending() == 1
    watcher.look(HOLD + 599, LATER)
    assert ending() == 1
    watcher.look(HOLD + 600, LATER)
    assert ending() == 2


def test_a_job_on_a_cordoned_node_is_asked_to_end(scene):
    scene.load(10, 50)
    watcher = scene.watcher()
    watcher.look(0, LATER)
    job = scene.start_job()
    scene.plane.cordon(scene.a)
    watcher.look(10, LATER)
    assert scene.pinned() == scene.b
    assert "deletionTimestamp" in scene.jobs()[job]["metadata"]
    assert "cordoned" in scene.plane.kubectl(
        "describe", "scaledjob", NAME, "-n", scene.namespace
    )


@pytest.mark.parametrize("how", ["not ready", "gone"])
def test_a_job_on_a_dead_node_is_replaced_and_blocks_nothing(scene, how):
    scene.load(10, 50)
    watcher = scene.watcher(LOST_AFTER="30")
    watcher.look(0, LATER)
    job = scene.start_job()
    if how == "gone":
        scene.plane.remove_node(scene.a)
    else:
        scene.plane.set_ready(scene.a, ready=False)
    watcher.look(10, LATER)
    watcher.look(39, LATER)
    assert scene.pinned() == scene.b
    assert "deletionTimestamp" not in scene.jobs()[job]["metadata"]
    watcher.look(40, LATER)
    scene.wait_gone(job)
    assert scene.ours() == []
    assert "JobReplaced" in scene.events()
    assert scene.node_of(scene.start_job()) == scene.b


def test_a_job_that_was_ending_when_its_node_died_blocks_nothing(running):
    watcher = running.watcher(LOST_AFTER="30")
    follow(watcher)
    assert "deletionTimestamp" in running.jobs()[running.job]["metadata"]
    running.plane.set_ready(running.a, ready=False)
    watcher.look(HOLD + 10, LATER)
    assert running.job in running.jobs()
    watcher.look(HOLD + 40, LATER)
    running.wait_gone(running.job)
    assert running.events().count("JobReplaced") == 0


def test_a_job_on_a_dead_node_waits_while_there_is_no_other(scene):
    scene.load(10, None)
    watcher = scene.watcher(LOST_AFTER="30")
    watcher.look(0, LATER)
    job = scene.start_job()
    scene.plane.set_ready(scene.a, ready=False)
    watcher.look(10, LATER)
    watcher.look(1000, LATER)
    assert "deletionTimestamp" not in scene.jobs()[job]["metadata"]


def test_a_job_whose_pod_fits_nowhere_is_replaced_elsewhere(scene):
    scene.plane.remove_node(scene.a)
    scene.add_node(scene.a, cpu="500m")  # less than the worker asks for
    scene.load(10, 50)
    watcher = scene.watcher(PENDING_LIMIT="30")
    watcher.look(0, LATER)
    job = scene.start_job(running=False)
    wait_until(lambda: scene.ours()[0].misfit, "the scheduler gives up", 30, 0.2)
    watcher.look(10, LATER)
    assert scene.pinned() == scene.a
    decision, _ = watcher.look(40, LATER)
    assert "did not fit" in decision.passed_over[scene.a]
    assert scene.pinned() == scene.b
    scene.wait_gone(job)
    assert scene.node_of(scene.start_job()) == scene.b
    # Later that node is tried again.
    watcher.look(40 + 601, LATER)
    assert watcher.look(40 + 601 + HOLD, LATER)[0].node == scene.a


def test_jobs_that_are_not_ours_are_never_touched(running):
    pod = scaledjobs.pod_spec(running.scaledjob()) | {"nodeName": running.a}
    metadata = running.scaledjob()["metadata"]
    owner = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledJob",
        "name": NAME,
        "uid": metadata["uid"],
    }

    def job(name, labels, owners=()):
        template = {"metadata": {"labels": labels}, "spec": pod}
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "labels": labels, "ownerReferences": [*owners]},
            "spec": {"template": template},
        }

    mark = "scaledjob.keda.sh/name"
    foreign = [
        job("plain", {}),
        job("of-another", {mark: "another-scaledjob"}),
        job("with-our-label-only", {mark: NAME}),
        job("with-our-owner-only", {}, [owner]),
    ]
    running.plane.apply(*foreign, namespace=running.namespace)
    watcher = running.watcher(LOST_AFTER="10", MIN_STAY="0")
    follow(watcher)
    running.plane.set_ready(running.a, ready=False)
    watcher.look(HOLD + 10, LATER)
    watcher.look(HOLD + 20, LATER)
    running.wait_gone(running.job)
    left = running.jobs()
    assert set(left) == {job["metadata"]["name"] for job in foreign}
    assert not any("deletionTimestamp" in job["metadata"] for job in left.values())
    assert all(
        "deletionTimestamp" not in pod["metadata"]
        for name in left
        for pod in running.pods_of(name)
    )
