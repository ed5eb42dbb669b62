"""`calibrate`: a camera's own limits, from its pictures to every worker's verdict."""

import subprocess
import sys
import threading
from contextlib import closing

import cv2
import pytest

from posture.models import bundle_path
from posture.settings import WorkerSettings
from posture.vision.baseline import Baseline
from posture.worker.isolation import Trial
from tests.conftest import IMAGES
from tests.fixtures import images
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ROOT
from tests.worker.conftest import GOOD, payload

SQL = (ROOT / "deploy" / "posture_baseline.sql").read_text()
LEANS = "forward_head_1280_003"  # Bad by the usual limits
BENT = "slouch_1280_002"


@pytest.fixture
def baselines(postgres):
    """The shared database with the table, which the worker's user may write."""
    for _ in range(2):
        postgres.execute(SQL)
    postgres.execute("GRANT ALL ON posture_baseline TO analyzer")
    yield postgres
    postgres.execute("DROP TABLE IF EXISTS posture_baseline")


@pytest.fixture
def calibrate(tmp_path, postgres, broker):
    def run(*words, command="calibrate", **environ):
        return subprocess.run(
            [
                *(sys.executable, ROOT / "mqtt_posture_analyzer_with_db.py", command),
                *("--models-folder", ROOT / "models", "--model", "lite", *words),
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=postgres.environ | broker.environ | environ,
            timeout=200,
            check=False,
        )

    return run


def pictures(folder, name, count=5):
    """A folder with so many copies of a sample, each a little brighter."""
    folder.mkdir()
    image = cv2.imread(str(IMAGES / f"{name}.jpg"))
    for number in range(count):
        shown = cv2.convertScaleAbs(image, alpha=1, beta=number)
        (folder / f"{number}.jpg").write_bytes(images.file_of(shown, ".jpg"))
    return folder


def baseline_in(database):
    return database.execute("SELECT pi_id, neck, body FROM posture_baseline")


def test_a_worker_judges_by_a_baseline_from_the_first_picture_until_it_is_gone(
    calibrate, baselines, broker, start_worker, wait_for_rows
):
    baselines.execute("INSERT INTO posture_baseline VALUES ('desk3', 45, 15, 9, now())")
    worker = start_worker()
    for pi in ("desk3", "desk4"):
        broker.publish(f"images/{pi}", payload(LEANS))

    rows = {row["pi_id"]: row for row in wait_for_rows(baselines, 2)}
    assert rows["desk3"]["posture_status"] == "Good"
    assert rows["desk4"]["posture_status"] == "Bad"
    assert rows["desk3"]["neck_angle"] == rows["desk4"]["neck_angle"]
    worker.wait_for("desk3: calibrated: Good below a neck of 65")
    worker.wait_for("neck_limit=65 body_limit=30")
    assert worker.stop() == 0

    done = calibrate("--pi", "desk3", "--off")
    assert done.returncode == 0, done.stderr
    assert "the usual limits count again" in done.stdout
    start_worker()
    broker.publish("images/desk3", payload(LEANS))
    assert wait_for_rows(baselines, 3)[-1]["posture_status"] == "Bad"


def test_a_camera_is_calibrated_while_it_sends(calibrate, baselines, broker):
    enough = threading.Event()

    def send():
        while not enough.wait(0.2):
            broker.publish("images/desk3", payload(GOOD))

    camera = threading.Thread(target=send)
    camera.start()
    try:
        done = calibrate("--pi", "desk3")
    finally:
        enough.set()
        camera.join()

    assert done.returncode == 0, done.stderr
    ((pi, neck, body),) = baseline_in(baselines)
    assert pi == "desk3"
    assert f"the neck reads {neck} and the body {body} degrees" in done.stdout
    assert f"below a neck of {neck + 20} and a body of {body + 15}" in done.stdout
    seen = calibrate("--pi", "desk3", IMAGES / f"{GOOD}.jpg", command="view")
    assert "desk3 is calibrated" in seen.stdout
    assert f"below a neck of {neck + 20}" in seen.stdout


def test_files_calibrate_and_say_what_they_replace(calibrate, baselines, tmp_path):
    baselines.execute(
        "INSERT INTO posture_baseline VALUES ('desk3', 11, 3, 9, '2026-11-01')"
    )
    done = calibrate("--pi", "desk3", pictures(tmp_path / "well", GOOD))

    assert done.returncode == 0, done.stderr
    assert "instead of 11 and 3 degrees of 2026-11-01" in done.stdout
    assert baseline_in(baselines) != [("desk3", 11, 3)]


@pytest.mark.parametrize(
    ("name", "count", "why"),
    [
        (GOOD, 4, "only 4 of 4 pictures could be judged"),
        ("empty_1280_006", 5, "only 0 of 5 pictures could be judged"),
        (BENT, 5, "is not upright"),
    ],
)
def test_what_gives_no_baseline_leaves_the_one_that_there_is(
    calibrate, baselines, tmp_path, name, count, why
):
    baselines.execute("INSERT INTO posture_baseline VALUES ('desk3', 11, 3, 9, now())")
    done = calibrate("--pi", "desk3", pictures(tmp_path / "given", name, count))

    assert done.returncode == 1
    assert "desk3 is not calibrated: " in done.stderr
    assert why in done.stderr
    assert baseline_in(baselines) == [("desk3", 11, 3)]


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        ((), "name the camera with --pi", 2),
        (("--pi", "images/desk3"), "name the camera with --pi", 2),
        (("--pi", "desk3"), "run deploy/posture_baseline.sql", 1),
    ],
)
def test_what_cannot_be_kept_is_said_before_any_picture_is_taken(
    calibrate, words, said, code
):
    done = calibrate(*words)

    assert said in done.stderr
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_user_without_rights_is_told_so_and_his_worker_goes_on(
    calibrate, baselines, broker, start_worker, wait_for_rows
):
    baselines.execute("REVOKE ALL ON posture_baseline FROM analyzer")
    done = calibrate("--pi", "desk3")
    assert done.returncode == 1
    assert "this user may not write posture_baseline" in done.stderr

    worker = start_worker()
    broker.publish("images/desk3", payload(GOOD))
    wait_for_rows(baselines, 1)
    worker.wait_for("no baselines: this user may not read posture_baseline")


def test_a_table_of_that_name_with_other_columns_stops_no_worker(
    postgres, broker, start_worker, wait_for_rows
):
    postgres.execute("CREATE TABLE posture_baseline (something TEXT)")
    postgres.execute("GRANT SELECT ON posture_baseline TO analyzer")
    try:
        worker = start_worker()
        broker.publish("images/desk3", payload(GOOD))
        wait_for_rows(postgres, 1)
        worker.wait_for("every camera has the usual limits")
    finally:
        postgres.execute("DROP TABLE posture_baseline")


def test_a_picture_that_is_tried_in_isolation_is_judged_by_the_baseline_too():
    needed = ("SUPABASE_HOST", "SUPABASE_DB", "SUPABASE_USER", "SUPABASE_PASSWORD")
    settings = settings_from(WorkerSettings, dict.fromkeys(needed, "x"))
    with closing(Trial(settings, bundle_path(ROOT / "models", "lite"))) as trial:
        usual = trial.analyze(payload(LEANS), "desk3").verdict
        own = trial.analyze(payload(LEANS), "desk3", Baseline(45, 15)).verdict
    assert (usual.status, usual.baseline) == ("Bad", None)
    assert (own.status, own.baseline) == ("Good", Baseline(45, 15))
