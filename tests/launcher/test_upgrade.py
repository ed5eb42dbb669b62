"""From the release before to this one, while pictures come: nothing lost or doubled."""

import signal
import threading
from pathlib import Path

import pytest

from tests.fixtures.net import wait_until
from tests.fixtures.site import NAME, ROOT, Script

BEFORE = Path(__file__).with_name("before") / "launched.yaml"
PICTURES = sorted((ROOT / "tests" / "images").glob("*.jpg"))
SELECTOR = f"scaledjob.keda.sh/name={NAME}"


@pytest.fixture
def cameras(site):
    """Pictures that come all the time; ends them, and gives how many there were."""
    over, topics = threading.Event(), []

    def send():
        while not over.wait(0.2):
            picture = PICTURES[len(topics) % len(PICTURES)].read_bytes()
            topic = f"images/desk{len(topics)}"
            site.broker.publish(topic, picture)
            topics.append(topic)

    thread = threading.Thread(target=send)

    def end():
        over.set()
        thread.join(30)
        return len(topics)

    yield thread, end
    end()


def work(site, *flags):
    """What the container of a pod of the Job does."""
    return Script(
        site,
        "mqtt_posture_analyzer_with_db.py",
        *flags,
        THREADS="1",
        MODELS_FOLDER=str(ROOT / "models"),
        PICTURES_FOLDER=str(site.folder.parent / "pictures"),
        QUARANTINE_FOLDER=str(site.folder.parent / "quarantine"),
    )


def test_pictures_that_come_during_an_upgrade_are_rows_once(
    site, keda, cameras, postgres
):
    thread, end = cameras
    site.plane.kubectl(
        "apply", "--server-side", "--field-manager=posture-launcher",
        "-n", site.namespace, "-f", str(BEFORE),
    )  # fmt: skip
    declared = site.run("build_and_push.py", "--only", "session", "--yes")
    assert declared.process.returncode == 0, declared.output
    uid = site.plane.get("scaledjob", NAME, site.namespace)["metadata"]["uid"]
    old = keda.create_job()
    wait_until(lambda: site.pods_on(site.nodes[1]), "the old pod has its node")
    worker = work(site)
    thread.start()
    wait_until(postgres.rows, "rows of the old worker", 60)

    upgrade = Script(site, "build_and_push.py", "--skip-build", "--yes", "--detach")
    wait_until(
        lambda: f"jobs/{old}" not in site.plane.names("jobs", site.namespace, SELECTOR),
        "the upgrade has ended the old Job",
        60,
    )
    worker.end(signal.SIGTERM)  # as its kubelet does
    assert upgrade.wait() == 0, upgrade.output
    found = site.plane.get("scaledjob", NAME, site.namespace)
    assert found["metadata"]["uid"] == uid
    assert found["metadata"]["labels"]["posture-analyzer/made-by"] == "launcher"
    assert found["metadata"]["annotations"]["posture-analyzer/node"] == site.nodes[1]
    new = keda.create_job()
    wait_until(
        lambda: any(pod.startswith(new) for pod in site.pods_on(site.nodes[1])),
        "the new pod is where the old one was",
    )

    worker = work(site, "--exit-when-idle=3")
    before = len(postgres.rows())
    wait_until(lambda: len(postgres.rows()) > before, "rows of the new worker", 60)
    sent = end()
    assert worker.wait() == 0, worker.output
    cameras_seen = [row["pi_id"] for row in postgres.rows()]
    assert sorted(cameras_seen) == sorted(f"desk{number}" for number in range(sent))


def test_what_the_release_before_has_left_is_taken_away(site, keda):
    site.plane.kubectl(
        "apply", "--server-side", "--field-manager=posture-launcher",
        "-n", site.namespace, "-f", str(BEFORE),
    )  # fmt: skip
    job = keda.create_job()
    done = site.run("stop.py", "--all")
    assert done.process.returncode == 0, done.output
    assert f"deleted: {job}" in done.output
    kinds = "scaledjob,secret,job"
    wait_until(lambda: not site.plane.names(kinds, site.namespace), "all is gone", 60)
