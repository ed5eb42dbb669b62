"""A launch and its stop, on a real API server, Prometheus, broker and database."""

import contextlib
import os
import signal
import time

import psutil
import pytest

from launcher.launch import STEPS
from tests.fixtures.net import wait_until
from tests.fixtures.postgres import PASSWORD
from tests.fixtures.scaledjobs import scaledjob
from tests.fixtures.site import NAME, ROOT, Forked, Script

LAUNCH = ("build_and_push.py", "--skip-build", "--yes")
_ORDER = {
    name: f"{number}/{len(STEPS)}  {name}" for number, name in enumerate(STEPS, 1)
}


def left_running(site):
    """Processes that were started from the site's folder, which is their home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == str(site.folder):
                found.append(process.cmdline())
        except psutil.Error:
            pass
    return found


def comes_back_to(site, before, when=""):
    """Wait until all is as it was: what is deleted takes a moment to go."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: site.snapshot() == before, "all is as before", 20)
    assert site.snapshot() == before, when


def launch(site, start=None):
    done = (start or site.fork)(*LAUNCH, "--detach")
    assert done.process.returncode == 0, done.output
    return done


def stop(site, *flags, start=None):
    done = (start or site.call)("stop.py", *flags)
    assert done.process.returncode == 0, done.output
    return done


@pytest.fixture
def strangers(site, request):
    """Things that look like ours and are not, each with what tells the difference."""
    foreign = scaledjob({}, name="posture-analyzer-scaledjob-2")
    foreign["metadata"]["labels"] = {"app.kubernetes.io/name": "posture-analyzer"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{NAME}-abcde",
            "labels": {"scaledjob.keda.sh/name": NAME},  # but no owner
        },
        "spec": {
            "suspend": True,
            "template": foreign["spec"]["jobTargetRef"]["template"],
        },
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "posture-analyzer-2"},
        "stringData": {"SUPABASE_PASSWORD": "x"},
    }
    site.plane.apply(foreign, job, secret, namespace=site.namespace)
    # A taint like ours that somebody else has set: without our annotation.
    site.plane.taint(site.nodes[1], "image-offload", "true")
    bystander = psutil.Popen(
        ["gpu_affinity_watcher.py", "600"], executable="/bin/sleep"
    )

    def remove():
        bystander.kill()
        bystander.wait()
        site.plane.taint(site.nodes[1], "image-offload", None)

    request.addfinalizer(remove)
    return bystander


def test_a_full_life_leaves_no_trace(site, keda, strangers, postgres):
    before = site.snapshot()
    launch(site, start=site.run)
    assert site.record("watcher")
    assert site.record("scaler")

    # Nobody works yet: the broker keeps the picture for the session that was declared.
    site.broker.publish("images/camera", (site.picture).read_bytes())
    keda.create_job()
    wait_until(lambda: site.pods_on(site.nodes[0]), "its pod is on the chosen node")
    worker = site.run(
        "mqtt_posture_analyzer_with_db.py",
        "--exit-when-idle=1",
        MODELS_FOLDER=str(ROOT / "models"),
        PICTURES_FOLDER=str(site.folder.parent / "pictures"),
        QUARANTINE_FOLDER=str(site.folder.parent / "quarantine"),
    )
    assert worker.process.returncode == 0, worker.output

    done = stop(site, "--all", start=site.run)
    assert "deleted: posture-analyzer-scaledjob-" in done.output
    comes_back_to(site, before)
    assert left_running(site) == []
    assert strangers.poll() is None
    assert sorted(each.name for each in site.folder.iterdir()) == ["run"]
    assert len(postgres.rows()) == 1


def test_a_dry_run_changes_nothing(site, keda, strangers):
    before = site.snapshot()
    done = site.run("build_and_push.py", "--skip-build", "--dry-run")
    assert done.process.returncode == 0, done.output
    assert "+kind: ScaledJob" in done.output
    assert f"least load; passed over: {site.nodes[1]}" in done.output
    assert site.snapshot() == before
    assert site.environ["MQTT_CLIENT_ID"] not in site.broker.log
    assert sorted(each.name for each in site.folder.iterdir()) == ["run"]


def test_a_dry_run_of_a_second_launch_leaves_the_first_alone(site, keda):
    launch(site)
    job = keda.create_job()
    wait_until(lambda: site.plane.objects("pods", site.namespace), "the Job has a pod")
    before, helpers = site.snapshot(), left_running(site)
    done = site.call("build_and_push.py", "--skip-build", "--dry-run", MODEL="lite")
    assert done.process.returncode == 0, done.output
    assert f"would have deleted: {job}" in done.output
    assert "+  MODEL: lite" in done.output
    dry = site.call("stop.py", "--dry-run", "--all")
    assert "would have deleted: ScaledJob" in dry.output
    assert site.snapshot() == before
    assert left_running(site) == helpers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_wherever_it_is_interrupted_a_stop_undoes_it(site, keda, strangers, number):
    before = site.snapshot()
    for name in STEPS:
        script = Forked(site, *LAUNCH)
        script.wait_for(_ORDER[name])
        script.end(number)
        stop(site, "--all")
        comes_back_to(site, before, f"after {name}")
        assert left_running(site) == [], f"after {name}"
        assert strangers.poll() is None


def test_wherever_it_is_killed_a_second_run_goes_on(site, keda):
    before = site.snapshot()
    for name in ("settings", "scaledjob", "helpers"):
        script = Forked(site, *LAUNCH)
        script.wait_for(_ORDER[name])
        script.end(signal.SIGKILL)
        launch(site)
        ours = [each for each in left_running(site) if "launcher.supervisor" in each]
        assert len(ours) == 1, f"after {name}"
    stop(site, "--all")
    comes_back_to(site, before)
    assert left_running(site) == []


def test_a_signal_while_it_waits_takes_everything_down(site, keda):
    before = site.snapshot()
    script = Script(site, *LAUNCH)
    script.wait_for("takes it down again")
    assert script.end(signal.SIGTERM) == 0, script.output
    assert "1/7  helpers" in script.output
    stop(site, "--all")  # Secret and ConfigMap are kept until asked for
    comes_back_to(site, before)
    assert left_running(site) == []


def test_a_stop_takes_over_from_a_launcher_that_waits(site, keda):
    script = Script(site, *LAUNCH)
    script.wait_for("takes it down again")
    stop(site, "--all", start=site.run)
    assert script.wait() == 130
    assert "1/6  helpers" not in script.output
    assert left_running(site) == []


def test_a_second_launcher_is_turned_away(site, keda):
    first = Forked(site, *LAUNCH)
    first.wait_for("takes it down again")
    second = site.call(*LAUNCH)
    assert second.process.returncode == 1
    assert "another launcher is at work here" in second.output
    assert first.end(signal.SIGTERM) == 0


def test_a_helper_that_dies_is_started_again_and_it_is_said(site, keda):
    script = Forked(site, *LAUNCH)
    script.wait_for("takes it down again")
    first = site.record("watcher")["pid"]
    os.kill(first, signal.SIGKILL)
    script.wait_for("watcher ended with exit code -9: starting it again")
    wait_until(
        lambda: (site.record("watcher") or {}).get("pid") not in (None, first),
        "the watcher runs again",
    )
    assert script.end(signal.SIGTERM) == 0


def test_a_second_launch_brings_new_settings(site, keda):
    launch(site)
    done = site.fork(*LAUNCH, "--detach", MODEL="lite")
    assert done.process.returncode == 0, done.output
    found = site.plane.get("configmap", "posture-analyzer", site.namespace)
    assert found["data"]["MODEL"] == "lite"


def test_one_step_alone(site):
    done = site.call(*LAUNCH, "--only", "settings")
    assert done.process.returncode == 0, done.output
    assert "1/1  settings" in done.output
    assert site.plane.get("secret", "posture-analyzer", site.namespace)
    assert site.plane.objects("scaledjobs", site.namespace) == []


def test_a_stop_can_be_done_twice_and_without_a_launch(site):
    before = site.snapshot()
    for _ in range(2):
        done = stop(site, "--all")
        assert done.output.count("nothing there") >= 4
    assert site.snapshot() == before


def test_a_stop_without_a_cluster_does_the_rest_and_says_what_is_left(site, keda):
    launch(site)
    (site.folder / "none").write_text("")
    begun = time.monotonic()
    done = site.call("stop.py", KUBECONFIG=str(site.folder / "none"))
    assert done.process.returncode == 1
    assert time.monotonic() - begun < 15
    assert "left: in cluster, scaledjob, jobs, taint" in done.output
    assert left_running(site) == []
    assert not (site.folder / "patched-job.yaml").exists()
    stop(site, "--all")
    wait_until(lambda: not site.plane.objects("scaledjobs", site.namespace), "it goes")


def test_a_stop_from_a_new_terminal_knows_where_to(site, keda):
    before = site.snapshot()
    launch(site)
    # Nothing in the environment says which cluster and namespace it was.
    done = site.run("stop.py", "--all", KUBECONFIG="", NAMESPACE="")
    assert done.process.returncode == 0, done.output
    comes_back_to(site, before)


def test_a_keeper_that_dies_is_told(site, keda):
    script = Forked(site, *LAUNCH)
    script.wait_for("takes it down again")
    os.kill(site.record("keeper")["pid"], signal.SIGKILL)
    script.wait_for("the keeper is gone")
    assert script.end(signal.SIGTERM) == 0
    assert left_running(site) == []


def test_a_folder_that_cannot_be_written_is_named(site):
    (site.folder / "file").write_text("")
    for name in ("build_and_push.py", "stop.py"):
        done = site.call(name, RUN_FOLDER="file/run")
        assert done.process.returncode == 1
        assert "RUN_FOLDER" in done.output
        assert "Traceback" not in done.output


def test_no_secret_is_shown_anywhere(site, keda):
    outputs = [
        site.call("build_and_push.py", "--skip-build", "--dry-run").output,
        site.fork(*LAUNCH, "--detach").output,
    ]
    commands = [" ".join(each) for each in left_running(site)]
    outputs.append(site.call("stop.py").output)
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    told = outputs + commands + [path.read_text(errors="replace") for path in files]
    assert commands
    assert not [each for each in told if PASSWORD in each]


def test_a_taint_of_ours_is_taken_off_and_no_other(site, strangers):
    ours, theirs = site.nodes
    site.plane.taint(ours, "image-offload", "true")
    site.plane.annotate(ours, {"posture-analyzer/offload": "yes"})
    done = stop(site)
    assert f"taken off: {ours}\n" in done.output
    assert not site.plane.get("node", ours)["spec"].get("taints")
    assert site.plane.get("node", theirs)["spec"]["taints"]


def test_a_scaledjob_of_somebody_else_is_neither_changed_nor_deleted(site, keda):
    site.plane.apply(scaledjob({}), namespace=site.namespace)
    job = keda.create_job()
    wait_until(lambda: site.plane.objects("pods", site.namespace), "the Job has a pod")
    before = site.snapshot()
    done = site.call(*LAUNCH)
    assert done.process.returncode == 3, done.output
    assert "was not made by this launcher" in done.output
    assert "kubectl -n" in done.output
    stopped = stop(site, "--all")
    assert "left alone" in stopped.output
    assert site.snapshot() == before
    assert f"Job/{job}" in before
