"""The running worker deletes its own old files, and what it keeps can be forgotten."""

import os
import time
from datetime import UTC, datetime

from posture.store import kept_files
from posture.store.own_files import camera_pictures
from posture.store.pictures import folder_of
from tests.fixtures.kept import Kept
from tests.fixtures.net import wait_until
from tests.worker.conftest import GOOD, assert_each_once, files_in, payload


def test_a_pictures_file_has_the_time_of_its_message(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker()
    broker.publish("images/pi1", payload(GOOD))
    (row,) = wait_for_rows(postgres, 1)
    (path,) = worker.pictures.rglob("*.jpg")
    received = datetime.fromisoformat(row["received_time"]).replace(tzinfo=UTC)
    assert abs(path.stat().st_mtime - received.timestamp()) < 1e-5


def test_a_worker_deletes_what_is_older_than_picture_days_and_nothing_else(
    broker, postgres, start_worker, wait_for_rows, tmp_path
):
    kept = Kept(tmp_path / "worker", postgres)
    old, young = (
        kept.file(
            "pi1",
            datetime.fromtimestamp(time.time() - hours * 3600, UTC)
            .replace(tzinfo=None)
            .isoformat(),
        )
        for hours in (49, 47)
    )
    note = kept.refused("images/pi1", "2026-01-01")
    worker = start_worker(PICTURE_DAYS="2")
    worker.wait_for("older than 2 days, deleted: 1 pictures, 2 files in quarantine")
    broker.publish("images/pi1", payload(GOOD))
    (row,) = wait_for_rows(postgres, 1)
    assert worker.stop() == 0
    assert files_in(worker.pictures) == {row["filename"], young.name}
    assert not old.exists()
    assert not note.exists()


def test_without_picture_days_nothing_is_deleted_and_the_log_says_so(
    postgres, start_worker, tmp_path
):
    old = Kept(tmp_path / "worker", postgres).file("pi1", "2020-01-01")
    worker = start_worker()
    worker.wait_for("kept of each picture: full, for good")
    assert worker.stop() == 0
    assert old.exists()


def test_a_folder_that_cannot_be_pruned_stops_no_picture(
    broker, postgres, start_worker, wait_for_rows, tmp_path
):
    path = Kept(tmp_path / "worker", postgres).file("pi1", "2020-01-01")
    path.unlink()
    path.mkdir()  # resists, also against root
    os.utime(path, (1, 1))
    worker = start_worker(PICTURE_DAYS="2")
    worker.wait_for("cannot delete what is old: 1 files cannot be deleted")
    broker.publish("images/pi1", payload(GOOD))
    wait_for_rows(postgres, 1)


def test_one_camera_is_forgotten_while_the_worker_works(
    broker, postgres, start_worker, wait_for_rows, tmp_path
):
    worker = start_worker()
    kept = Kept(tmp_path / "worker", postgres)
    for _ in range(3):
        broker.publish("images/pi1", payload(GOOD), b"no picture")
        broker.publish("images/pi2", payload(GOOD), b"no picture")
    wait_for_rows(postgres, 6)
    wait_until(lambda: len([*worker.quarantine.glob("*.payload")]) == 6, "refusals")
    as_owner = {"SUPABASE_USER": "analyzer"} | {
        key: text
        for key, text in postgres.environ.items()
        if key == "SUPABASE_PASSWORD"
    }
    postgres.execute("GRANT DELETE ON posture_log TO analyzer")
    period = ("--from", "2020-01-01", "--to", "now")

    done = kept.run("forget", "--pi", "pi1", *period, **as_owner)

    postgres.execute("REVOKE DELETE ON posture_log FROM analyzer")
    assert done.stdout == "deleted: 3 pictures, 6 files in quarantine, 3 rows\n", done
    assert {row["pi_id"] for row in postgres.rows()} == {"pi2"}
    assert len(list(worker.quarantine.glob("*.json"))) == 3
    # What comes next is recorded as ever, also if it is the same picture.
    broker.publish("images/pi1", payload(GOOD))
    wait_for_rows(postgres, 4)
    assert worker.stop() == 0
    assert_each_once(postgres, worker.pictures, 4)


def test_a_worker_keeps_no_more_pictures_than_picture_mb_and_the_newest_stay(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(PICTURES_MB="1")
    count = 0
    while "beyond 1 MB, deleted: " not in worker.log:
        broker.publish("images/pi1", *[payload(GOOD)] * 10)
        count += 10
        rows = wait_for_rows(postgres, count)
        assert count < 500, "nothing is ever deleted"
        found = camera_pictures(folder_of(worker.pictures, "pi1"), "pi1")
        sizes = [status.st_size for _, status in found]
        # What is analyzed while the oldest are looked for is beyond the limit.
        assert sum(sizes) < 3 << 20
    assert worker.stop() == 0
    assert len(postgres.rows()) == count
    assert rows[-1]["filename"] in files_in(worker.pictures)
    oldest = min(rows, key=lambda row: row["received_time"])
    assert oldest["filename"] not in files_in(worker.pictures)


def test_the_oldest_pictures_go_first_and_nothing_of_anybody_elses(postgres, tmp_path):
    kept = Kept(tmp_path, postgres)
    old, young = (kept.file("pi1", day) for day in ("2026-01-01", "2026-01-03"))
    middle = kept.file("pi2", "2026-01-02")
    other = old.with_name("holiday.jpg")
    other.write_bytes(b"x" * 100_000)
    block = old.stat().st_blocks * 512
    beyond = list(kept_files.pictures_beyond(kept.pictures, block))
    assert beyond == [old, middle]
    assert list(kept_files.pictures_beyond(kept.pictures, 3 * block)) == []
    assert list(kept_files.pictures_beyond(kept.pictures, 0)) == [old, middle, young]
