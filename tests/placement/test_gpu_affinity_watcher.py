"""gpu_affinity_watcher.py as a user runs it, by the real clock."""

import signal
import time

import pytest
import urllib3

from tests.fixtures.net import PATIENCE, accepts, free_port, wait_until
from tests.fixtures.scripts import run_script, running_script

SCRIPT = "gpu_affinity_watcher.py"
QUICK = {"WATCH_INTERVAL": "0.5", "HOLD": "2", "MIN_STAY": "0", "LOST_AFTER": "2"}


@pytest.fixture
def watch(scene, tmp_path):
    """Starts the watcher on the scene."""

    def start(*flags, **environ):
        settings = scene.environ | QUICK | environ
        return running_script(SCRIPT, *flags, folder=tmp_path, **settings)

    return start


def once(scene, tmp_path, *flags, **environ):
    return run_script(SCRIPT, *flags, folder=tmp_path, **(scene.environ | environ))


def test_a_changed_load_is_in_the_scaledjob_within_an_interval_and_the_hold(
    scene, watch
):
    scene.load(10, 50)
    with watch() as watcher:
        wait_until(lambda: scene.pinned() == scene.a, "the first choice", 30, 0.1)
        job = scene.start_job()
        scene.load(90, 10)
        known = time.monotonic()
        wait_until(lambda: scene.pinned() == scene.b, "the move", 30, 0.1)
        # The hold and an interval; the rest is for a busy machine, and for kubectl.
        assert time.monotonic() - known < 2 + 0.5 + 8
        wait_until(
            lambda: "deletionTimestamp" in scene.jobs()[job]["metadata"],
            "the hand-over",
            10,
            0.1,
        )
        assert watcher.stop() == 0
    assert f"moved the ScaledJob from {scene.a} to {scene.b}: 10.0 %" in watcher.log
    assert "handed over" not in watcher.log
    assert "Traceback" not in watcher.log


def test_a_node_that_dies_under_a_job_gives_it_up_within_the_limits(scene, watch):
    scene.load(10, 50)
    with watch() as watcher:
        watcher.wait_for("moved the ScaledJob")
        job = scene.start_job()
        scene.plane.set_ready(scene.a, ready=False)
        scene.exporters[0].stop()
        died = time.monotonic()
        scene.wait_gone(job)
        assert time.monotonic() - died < 20
        assert scene.node_of(scene.start_job()) == scene.b


def test_it_outlives_prometheus_and_the_api_server_and_goes_on(scene, watch):
    scene.load(10, 50)
    with watch(PROMETHEUS_DEADLINE="2", CLUSTER_DEADLINE="5") as watcher:
        watcher.wait_for("moved the ScaledJob")
        scene.prometheus.signal(signal.SIGSTOP)
        try:
            watcher.wait_for("no load is known")
        finally:
            scene.prometheus.signal(signal.SIGCONT)
        watcher.wait_for("Prometheus tells loads")
        scene.plane.stop_api_server()
        try:
            watcher.wait_for("trying again")
        finally:
            scene.plane.start_api_server()
        scene.load(90, 10)
        wait_until(lambda: scene.pinned() == scene.b, "the move", 60, 0.2)
        assert watcher.stop(signal.SIGINT) == 0
    # Said once, not at every look.
    assert watcher.log.count("no load is known") == 1


def test_metrics_and_health_are_served(scene, watch):
    scene.load(10, 50)
    port = free_port()
    with watch(WATCHER_PORT=str(port)) as watcher:
        watcher.wait_for("moved the ScaledJob")
        wait_until(lambda: accepts(port), "the port is open")

        def get(path):
            answer = urllib3.request(
                "GET", f"http://127.0.0.1:{port}{path}", timeout=10 * PATIENCE
            )
            return answer.status, answer.data.decode()

        skipped = 'posture_placement_patches_skipped_total{reason="unchanged"}'
        wait_until(lambda: skipped in get("/metrics")[1], "the next look", 20, 0.1)
        _, text = get("/metrics")
        for line in (
            f'posture_placement_chosen{{node="{scene.a}"}} 1.0',
            f'posture_placement_node_load_percent{{node="{scene.b}"}} 50.0',
            f'posture_placement_node_eligible{{node="{scene.b}"}} 1.0',
            "posture_placement_patches_total 1.0",
            "posture_placement_reading_age_seconds ",
        ):
            assert line in text
        assert get("/healthz") == (200, "ok\n")
        assert get("/else")[0] == 404


def test_a_port_that_is_taken_is_said(scene, tmp_path, prometheus):
    done = once(scene, tmp_path, "--metrics-port", str(prometheus.port))
    assert done.returncode == 1
    assert f"cannot open port {prometheus.port}" in done.stderr
    assert scene.pinned() is None


def test_the_table_shows_everything_and_changes_nothing(scene, tmp_path):
    scene.plane.cordon(scene.b)
    scene.load(10, 50)
    done = once(scene, tmp_path, "--table")
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0] == ["NODE", "LOAD", "AGE", "JOBS", "ELIGIBLE"]
    assert lines[1][:4] == ["->", scene.a, "10.0", "%"]
    assert lines[1][-2:] == ["0", "yes"]
    (other,) = [line for line in lines if line[:1] == [scene.b]]
    assert other[-2:] == ["no:", "cordoned"]
    assert scene.pinned() is None
    assert not (tmp_path / "last_node.txt").exists()


def test_once_moves_and_ends_and_a_dry_run_only_says_so(scene, tmp_path):
    scene.load(10, 50)
    done = once(scene, tmp_path, "--once", "--dry-run")
    assert done.returncode == 0
    assert f"would move the ScaledJob to {scene.a}" in done.stderr
    assert scene.pinned() is None
    assert once(scene, tmp_path, "--once").returncode == 0
    assert scene.pinned() == scene.a


def test_once_without_an_eligible_node_says_why(scene, tmp_path):
    scene.load(None, None)
    done = once(scene, tmp_path, "--once")
    assert done.returncode == 3
    assert "load unknown" in done.stderr


@pytest.mark.parametrize(
    ("environ", "code", "words"),
    [
        ({"KUBECONFIG": "/nowhere"}, 1, "no cluster"),
        ({"KUBE_CONTEXT": "nosuch"}, 1, "nosuch"),
        ({"WATCH_INTERVAL": "0", "NODE_LABEL": "a b"}, 2, "NODE_LABEL"),
        ({"GPU_METRICS": "sum("}, 1, "GPU_METRICS"),
    ],
)
def test_what_cannot_work_is_said(scene, tmp_path, environ, code, words):
    done = once(scene, tmp_path, "--once", **environ)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert scene.pinned() is None


def test_help_names_every_flag(tmp_path):
    done = run_script(SCRIPT, "--help", folder=tmp_path)
    assert done.returncode == 0
    for flag in ("--once", "--dry-run", "--table", "--no-hand-over", "--interval"):
        assert flag in done.stdout
