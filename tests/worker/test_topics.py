"""Topics of other programs: which camera a picture is of, and what forget deletes."""

import json
import shutil

import pytest

from tests.conftest import IMAGES
from tests.fixtures.kept import Kept
from tests.fixtures.net import wait_until
from tests.fixtures.scripts import run_script
from tests.fixtures.worker import ROOT
from tests.worker.conftest import GOOD, payload

ALWAYS = ("--from", "2020-01-01", "--to", "now")


@pytest.fixture
def start(start_worker):
    return lambda **environ: start_worker(THREADS="1", **environ)


def test_two_sites_are_two_cameras_and_to_forget_one_leaves_the_other(
    broker, postgres, start, wait_for_rows
):
    worker = start(MQTT_TOPIC="+/desk1")
    for site in ("berlin", "paris"):
        broker.publish(f"{site}/desk1", payload(GOOD), b"no picture")
    rows = wait_for_rows(postgres, 2)
    wait_until(lambda: len(list(worker.quarantine.glob("*.json"))) == 2, "both notes")
    assert {row["pi_id"] for row in rows} == {"berlin", "paris"}
    assert worker.stop() == 0

    postgres.execute((ROOT / "deploy/posture_keeper.sql").read_text())
    postgres.execute("ALTER ROLE posture_keeper PASSWORD 'only deletes'")
    kept = Kept(worker.folder, postgres)
    done = kept.run("forget", "--pi", "berlin", *ALWAYS)

    assert done.returncode == 0, done.stderr
    assert [row["pi_id"] for row in postgres.rows()] == ["paris"]
    assert [path.parent.name for path in worker.pictures.glob("*/*")] == [
        "analyzed_images_from_paris"
    ]
    [note] = worker.quarantine.glob("*.json")
    assert json.loads(note.read_text())["topic"] == "paris/desk1"


def test_a_level_makes_one_camera_of_many_topics(
    broker, postgres, start, wait_for_rows
):
    start(MQTT_TOPIC="frigate/+/+/snapshot", CAMERA_LEVEL="2")
    for kind in ("person", "dog"):
        broker.publish(f"frigate/door/{kind}/snapshot", payload(GOOD))
    rows = wait_for_rows(postgres, 2)
    assert {row["pi_id"] for row in rows} == {"door"}


def test_a_camera_publishes_where_the_worker_looks_for_its_name(
    broker, postgres, start, wait_for_rows, tmp_path
):
    start(MQTT_TOPIC="cameras/+/image")
    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(IMAGES / f"{GOOD}.jpg", folder)
    environ = broker.environ | {"MQTT_TOPIC": "cameras/+/image"}
    flags = ("--pi", "desk1", "--source", str(folder), "--once")
    done = run_script("camera.py", *flags, folder=tmp_path, **environ)

    assert "cameras/desk1/image: " in done.stderr
    assert wait_for_rows(postgres, 1)[0]["pi_id"] == "desk1"
