"""A worker that does less for a next picture gives the rows of one that does not."""

import base64

import cv2
import numpy as np

from tests.conftest import IMAGES
from tests.fixtures.net import wait_until
from tests.worker.conftest import assert_each_once


def frames(name, count):
    """The same scene so often, each time with other noise."""
    chance = np.random.default_rng(3)
    image = cv2.imread(str(IMAGES / f"{name}.jpg"))
    for _ in range(count):
        noisy = np.clip(image + chance.normal(0, 3, image.shape), 0, 255)
        file = cv2.imencode(".jpg", noisy.astype(np.uint8))[1]
        yield base64.b64encode(file.tobytes())


def test_two_cameras_are_followed_and_every_picture_gets_its_row(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(TRACK="2")

    broker.publish("images/upright", *frames("good_1280_000", 6))
    broker.publish("images/leaning", *frames("slouch_1280_002", 6))

    rows = wait_for_rows(postgres, 12)
    seen = {(row["pi_id"], row["posture_status"]) for row in rows}
    assert seen == {("upright", "Good"), ("leaning", "Bad")}
    assert_each_once(postgres, worker.pictures, 12)


def test_pictures_in_which_nothing_has_changed_get_the_last_verdict_and_say_so(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(UNCHANGED="60", THREADS="1")

    broker.publish("images/desk", *frames("good_1280_000", 5))
    broker.publish("images/desk", *frames("slouch_1280_002", 2))

    rows = wait_for_rows(postgres, 7)
    rows.sort(key=lambda row: row["received_time"])  # one batch has no order
    assert [row["posture_status"] for row in rows] == ["Good"] * 5 + ["Bad"] * 2
    assert len({row["neck_angle"] for row in rows[:5]}) == 1
    # A row is said after it is written.
    wait_until(lambda: worker.log.count("analyzed pi=") == 7, "seven lines")
    assert worker.log.count("unchanged=yes") == 5
    assert_each_once(postgres, worker.pictures, 7)
