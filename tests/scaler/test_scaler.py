"""Jobs exist exactly when there is work and a free GPU: everything really running.

Prometheus, broker and API server are real, the scaler is the script. KEDA is a
stand-in that makes its calls and creates real Jobs; a Job's pod ends when a test says.
"""

import base64
import re
import signal
import time

import pytest

from tests.fixtures.net import wait_until
from tests.fixtures.scaling import NODES, Gpus, running_scaling
from tests.fixtures.worker import ROOT, ForkedWorker

A, B = NODES
IMAGES = ROOT / "tests" / "images"


@pytest.fixture(scope="module")
def gpus(control_plane, tmp_path_factory):
    made = Gpus(control_plane, tmp_path_factory.mktemp("prometheus"))
    yield made
    made.close()
    for node in NODES:
        control_plane.remove_node(node)


@pytest.fixture
def scaling(tmp_path, control_plane, gpus, broker):
    gpus.tell(10, 90)
    with running_scaling(tmp_path, control_plane, gpus, broker) as running:
        running.apply()
        yield running


def test_after_the_start_one_job_looks_for_pictures_and_then_none_is_wanted(scaling):
    scaling.start()
    scaling.look_once()
    for _ in range(3):
        assert scaling.keda.poll() == []
    assert scaling.keda.ready
    assert not scaling.keda.active


def test_a_picture_wakes_within_a_second_and_a_burst_wakes_no_more(scaling):
    scaling.start()
    scaling.look_once()
    begun = time.monotonic()
    scaling.broker.publish("images/pi1", b"a picture")
    scaling.wait_number(1)
    assert time.monotonic() - begun < 1
    assert len(scaling.keda.poll()) == 1
    scaling.broker.publish("images/pi1", *[b"x" * 1000] * 500)
    assert scaling.keda.poll() == []
    scaling.wait_number(0)
    assert scaling.keda.poll() == []
    scaling.finish()
    assert scaling.keda.poll() == []
    assert scaling.number() == 0


def test_a_busy_gpu_gets_no_job_until_it_is_free(scaling):
    scaling.gpus.tell(85, 95)
    scaling.start()
    scaling.wait_kind("busy")
    assert scaling.keda.poll() == []
    assert "is busy: 85 %, not below 80 %" in scaling.scaler.log
    scaling.gpus.tell(20, 95)
    scaling.wait_number(1)
    assert len(scaling.keda.poll()) == 1


def test_the_threshold_of_the_trigger_counts(scaling):
    scaling.start()
    scaling.wait_number(1)
    # Asked for together, and until a reading is young enough for both.
    wait_until(
        lambda: [scaling.number(threshold=each) for each in ("5", "11")] == [0, 1],
        "a Job for the higher threshold only",
    )


def test_the_query_of_the_trigger_counts(scaling):
    scaling.start()
    scaling.wait_number(1)
    query = "jetson_gpu_usage_percent + 85"
    scaling.trigger(query=query)
    wait_until(lambda: scaling.number(query=query) == 0, "the other query is read")
    scaling.wait_number(1)


def test_only_the_queries_of_the_scaledjob_are_asked(scaling):
    scaling.start()
    scaling.wait_number(1)
    for number in range(10):  # a stranger asks what it likes
        query = f"jetson_gpu_usage_percent + {number}"
        assert "has no trigger with this one" in scaling.number(query=query)
    own = "jetson_gpu_usage_percent + 85"
    scaling.trigger(query=own)
    wait_until(lambda: scaling.number(query=own) == 0, "the trigger's query is read")
    scaling.apply()
    wait_until(
        lambda: "has no trigger" in str(scaling.number(query=own)), "it is forgotten"
    )
    scaling.wait_number(1)


def test_a_load_that_is_not_known_is_not_idle(scaling):
    scaling.start()
    scaling.wait_number(1)
    scaling.gpus.tell("NaN", "NaN")
    scaling.wait_kind("no_node")
    assert scaling.keda.poll() == []
    scaling.gpus.tell(10, 90)
    scaling.wait_number(1)


def test_a_hanging_prometheus_is_said_where_the_user_looks(scaling):
    scaling.start()
    scaling.wait_number(1)
    prometheus = scaling.gpus.prometheus
    prometheus.signal(signal.SIGSTOP)
    try:
        begun = time.monotonic()
        scaling.wait_number(1)
        assert time.monotonic() - begun < 1
        words = scaling.wait_words("GPU loads: last read")
        stale = r"UNAVAILABLE: GPU loads: last read [4-9] s ago, limit 4 s"
        assert re.search(stale, words)
        assert prometheus.url in words
        begun = time.monotonic()
        assert scaling.keda.poll() == []
        assert not scaling.keda.ready
        assert prometheus.url in scaling.keda.events[-1]
        assert time.monotonic() - begun < 5
    finally:
        prometheus.signal(signal.SIGCONT)
    scaling.wait_number(1)
    assert len(scaling.keda.poll()) == 1
    assert scaling.keda.ready


def test_a_flapping_load_makes_one_job_at_most(scaling):
    scaling.start()
    scaling.wait_number(1)
    created = []
    for load in (10, 95, 10, 95, 10, 95):
        scaling.gpus.tell(load, 99)
        scaling.gpus.exporters[A].wait_scraped(2)
        created += scaling.keda.poll()
        assert len(scaling.keda.unfinished()) <= 1
    assert len(created) <= 1


def test_no_job_while_the_scaledjob_is_on_another_node_than_the_chosen_one(scaling):
    scaling.start()
    scaling.wait_number(1)
    scaling.gpus.tell(70, 5)
    scaling.wait_number(0)
    assert scaling.keda.poll() == []
    assert f"is on {A} and not yet on {B}" in scaling.scaler.log
    scaling.apply(node=B)
    scaling.wait_number(1)
    [job] = scaling.keda.poll()
    assert B in str(scaling.plane.get("job", job, scaling.namespace)["spec"])


def test_a_scaledjob_that_does_not_follow_is_not_waited_for_for_ever(scaling):
    """The watcher may have its reasons, or not run: a free node is good enough."""
    scaling.gpus.tell(70, 5)
    scaling.start(SCALER_PATIENCE="1")
    scaling.wait_kind("not_moved")
    scaling.wait_number(1)
    scaling.plane.cordon(A)
    try:
        scaling.wait_kind("not_moved")
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert scaling.kind() == "not_moved"
    finally:
        scaling.plane.cordon(A, off=True)
    scaling.gpus.tell(85, 5)
    scaling.wait_kind("busy")


def test_no_job_when_the_node_changes_in_the_middle_of_a_poll(scaling):
    """KEDA has read the ScaledJob on one node when it moves to another."""
    scaling.start(SCALER_MOVE_GUARD="5")
    scaling.wait_number(1)
    scaling.gpus.tell(70, 5)
    scaling.wait_number(0)

    def move():
        scaling.apply(node=B)
        scaling.wait_kind("moving")

    assert scaling.keda.poll(meanwhile=move) == []
    scaling.wait_number(1)
    assert len(scaling.keda.poll()) == 1


@pytest.mark.parametrize("how", ["failed", "deleted"])
def test_a_worker_that_ends_before_its_work_is_done_is_replaced(scaling, how):
    scaling.start()
    scaling.look_once()
    scaling.broker.publish("images/pi1", b"a picture")
    scaling.wait_number(1)
    [job] = scaling.keda.poll()
    scaling.wait_number(0)
    if how == "failed":
        scaling.finish("Failed")
    else:
        scaling.plane.delete("job", job, scaling.namespace)
        scaling.plane.wait_gone("job", job, scaling.namespace)
    scaling.wait_number(1)
    assert len(scaling.keda.poll()) == 1


def test_a_restarted_scaler_makes_no_second_job_and_forgets_no_picture(scaling):
    scaling.start()
    scaling.look_once()
    scaling.stop()
    scaling.broker.publish("images/pi1", b"while nobody watches")
    scaling.start()
    scaling.wait_number(1)
    assert len(scaling.keda.poll()) == 1
    scaling.stop()
    scaling.start()
    wait_until(lambda: isinstance(scaling.number(), int), "it answers")
    assert scaling.keda.poll() == []
    scaling.wait_kind("idle")
    scaling.finish()
    for _ in range(3):
        assert scaling.keda.poll() == []
    assert scaling.number() == 0


def test_a_restarted_broker_makes_one_worker_look_again(scaling):
    scaling.start()
    scaling.look_once()
    scaling.broker.stop()
    words = scaling.wait_words("MQTT broker")
    assert f"127.0.0.1:{scaling.broker.port}: away for" in words
    scaling.broker.start()
    scaling.look_once()


def test_a_scaledjob_that_is_gone_is_said(scaling):
    scaling.start()
    scaling.wait_number(1)
    for each in scaling.plane.objects("scaledjobs", scaling.namespace):
        scaling.plane.delete("scaledjob", each["metadata"]["name"], scaling.namespace)
    assert "not found" in scaling.wait_words("UNAVAILABLE")


def test_always_wanted_asks_for_no_picture(scaling):
    scaling.start("--always-wanted", MQTT_PORT="1")
    scaling.wait_number(1)
    assert len(scaling.keda.poll()) == 1
    assert scaling.keda.poll() == []
    scaling.finish()
    assert len(scaling.keda.poll()) == 1


def test_no_more_workers_than_the_scaledjob_allows(scaling):
    scaling.apply(maxReplicaCount=2)
    scaling.start(WORKERS="3")
    scaling.wait_number(2)
    assert len(scaling.keda.poll()) == 2
    assert scaling.keda.poll() == []


def test_the_shipped_rights_are_enough(scaling):
    rights = (ROOT / "deploy" / "placement-rbac.yaml").read_text()
    rights = rights.replace("namespace: default", f"namespace: {scaling.namespace}")
    scaling.plane.apply(rights, namespace=scaling.namespace)
    account = scaling.plane.service_account(scaling.namespace, "posture-placement")
    scaling.start(KUBECONFIG=str(account))
    scaling.wait_number(1)


def test_a_wrong_trigger_is_said_where_the_user_looks(scaling):
    scaling.trigger(threshold="150")
    scaling.start()
    wait_until(lambda: isinstance(scaling.number(), int), "it answers")
    assert scaling.keda.poll() == []
    assert not scaling.keda.ready
    assert "threshold is '150'" in scaling.keda.events[-1]


def test_a_picture_becomes_a_row_and_the_number_returns_to_zero(
    scaling, postgres, tmp_path
):
    """The whole life of a Job, its worker run as a process for want of a kubelet.

    The watcher runs as well, and pins the ScaledJob.
    """
    scaling.apply(node=None)
    scaling.watch()
    environ = scaling.broker.environ | postgres.environ
    declared = ForkedWorker(tmp_path / "declare", environ, "declare")
    assert declared.wait() == 0, declared.log
    picture = (IMAGES / "slouch_1280_002.jpg").read_bytes()

    def run(job):
        pod = scaling.pod_of(job)
        worker = ForkedWorker(
            tmp_path / job,
            environ | {"NODE_NAME": pod["spec"]["nodeName"], "EXIT_WHEN_IDLE": "4"},
        )
        try:
            assert worker.wait(60) == 0, worker.log
        finally:
            worker.end()
        scaling.finish()
        return worker

    # The scaler starts after the first picture has come, and before the second.
    scaling.broker.publish("images/pi1", base64.b64encode(picture))
    scaling.start()
    scaling.wait_number(1)
    for pi in ("pi1", "pi2"):
        if pi == "pi2":
            scaling.wait_number(0)
            assert scaling.keda.poll() == []
            scaling.broker.publish("images/pi2", base64.b64encode(picture))
            scaling.wait_number(1, timeout=1)
        [job] = scaling.keda.poll()
        worker = run(job)
        assert "nothing to do" in worker.log
        row = postgres.rows()[-1]
        assert (row["pi_id"], row["posture_status"]) == (pi, "Bad")
        assert row["processed_by"] == A
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert scaling.keda.poll() == []
        assert scaling.number() == 0
    assert len(postgres.rows()) == 2


# Last, for the control plane needs a while to find its feet again.
def test_an_api_server_that_is_away_is_said(scaling):
    scaling.start()
    scaling.wait_number(1)
    scaling.plane.stop_api_server()
    try:
        words = scaling.wait_words("ScaledJob and Jobs: last read")
        assert "UNAVAILABLE" in words
    finally:
        scaling.plane.start_api_server()
    scaling.wait_number(1)
