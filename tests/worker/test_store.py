"""What the running worker keeps of a picture with each STORE."""

import json
import signal

import cv2
import numpy as np
import pytest

from tests.conftest import IMAGES
from tests.fixtures.net import wait_until
from tests.worker.conftest import GOOD, assert_each_once, files_in, payload
from tests.worker.test_poison import POISONED, poison

GROUND = 236  # the skeleton's


def stored(worker, row):
    """The picture that a row names, and the one that was sent."""
    folder = worker.pictures / f"analyzed_images_from_{row['pi_id']}"
    picture = cv2.imread(str(folder / row["filename"]))
    sent = cv2.imread(str(IMAGES / f"{GOOD}.jpg"))
    assert picture.shape == sent.shape
    return picture, sent


def test_with_none_the_row_is_written_and_no_file(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(STORE="none")
    broker.publish("images/pi1", *[payload(GOOD)] * 2)
    rows = wait_for_rows(postgres, 2)
    assert worker.stop() == 0
    assert files_in(worker.pictures) == set()
    assert [row["posture_status"] for row in rows] == ["Good", "Good"]
    # The name is what a message is recognised by that comes again.
    assert len({row["filename"] for row in rows}) == 2


def test_a_message_that_comes_again_has_its_name_whatever_is_stored_by_then(
    broker, own_postgres, start_worker, wait_for_rows
):
    worker = start_worker(STORE="full")
    own_postgres.stop()
    broker.publish("images/pi1", payload(GOOD))
    worker.wait_for("cannot write rows")
    worker.signal(signal.SIGKILL)
    worker.wait()
    own_postgres.start()
    again = start_worker(STORE="none")
    wait_for_rows(own_postgres, 1)
    assert_each_once(own_postgres, again.pictures, 1)


def test_with_skeleton_no_pixel_of_the_picture_is_kept(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(STORE="skeleton")
    broker.publish("images/pi1", payload(GOOD))
    (row,) = wait_for_rows(postgres, 1)
    picture, _ = stored(worker, row)
    outside = np.abs(picture[300:, :300].astype(int) - GROUND)
    assert outside.max() <= 2
    assert_each_once(postgres, worker.pictures, 1)


def test_with_blurred_the_head_is_one_colour(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(STORE="blurred")
    broker.publish("images/pi1", payload(GOOD))
    (row,) = wait_for_rows(postgres, 1)
    picture, sent = stored(worker, row)
    face = np.s_[160:200, 635:655]  # the nose and the mouth, beside the drawn line
    assert sent[face].std(axis=(0, 1)).max() > 20
    assert picture[face].std(axis=(0, 1)).max() < 8
    assert_each_once(postgres, worker.pictures, 1)


def test_what_is_stored_holds_in_the_process_for_suspect_pictures_too(
    broker, postgres, start_worker, wait_for_rows
):
    environ = POISONED | {"STORE": "skeleton"}
    worker = start_worker(**environ)
    broker.publish("images/pi1", poison(b"SEGFAULT"), payload(GOOD))
    assert worker.wait() < 0
    again = start_worker(**environ)
    (row,) = wait_for_rows(postgres, 1)
    picture, _ = stored(again, row)
    assert np.abs(picture[300:, :300].astype(int) - GROUND).max() <= 2
    # The poisoned picture is one of a person: of it only the note is kept.
    wait_until(lambda: [*again.quarantine.glob("*.payload")], "the quarantine")
    (kept,) = again.quarantine.glob("*.payload")
    assert kept.read_bytes() == b""


def test_with_none_nothing_is_kept_of_a_suspect_picture_either(
    broker, postgres, start_worker, wait_for_rows
):
    environ = POISONED | {"STORE": "none"}
    worker = start_worker(**environ)
    broker.publish("images/pi1", poison(b"SEGFAULT"), payload(GOOD))
    assert worker.wait() < 0
    again = start_worker(**environ)
    wait_for_rows(postgres, 1)
    assert again.stop() == 0
    assert files_in(again.pictures) == set()


@pytest.mark.parametrize(
    ("store", "payloads", "kept"),
    [
        ("full", "", True),
        ("blurred", "", False),
        ("skeleton", "", False),
        ("none", "", False),
        ("none", "true", True),
        ("full", "false", False),
    ],
)
def test_refused_messages_are_kept_only_where_full_pictures_are_or_it_is_wished(
    broker, postgres, start_worker, wait_for_rows, store, payloads, kept
):
    large = payload(GOOD) + b"\n" * (1 << 20)
    worker = start_worker(
        STORE=store, QUARANTINE_PAYLOADS=payloads, MAX_PICTURE_MB="1", THREADS="1"
    )
    broker.publish("images/pi1", large, payload(GOOD))
    wait_for_rows(postgres, 1)
    assert worker.stop() == 0
    (note,) = worker.quarantine.glob("*.json")
    assert json.loads(note.read_text())["bytes"] == len(large)
    assert note.with_suffix(".payload").read_bytes() == (large if kept else b"")
    command = start_worker("replay", ready=False)
    assert command.wait() == 0
    assert ("put back: 1" in command.log) == kept
    assert ("its payload was not kept" in command.log) != kept
