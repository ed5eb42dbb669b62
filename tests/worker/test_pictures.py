"""What becomes of a picture, good or bad, in the running worker."""

import base64
import binascii
import json
import struct
import zlib
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np

from tests.conftest import IMAGES
from tests.fixtures import images
from tests.fixtures.net import wait_until
from tests.worker.conftest import ALL, GOOD, assert_each_once, files_in, payload

LABELS = json.loads((IMAGES / "labels.json").read_text())


def test_a_published_picture_becomes_a_row_and_an_annotated_picture(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(NODE_NAME="jetson-1")
    begun = datetime.now(UTC).replace(tzinfo=None)

    broker.publish("images/desk-4", payload(GOOD))

    (row,) = wait_for_rows(postgres, 1)
    assert row["pi_id"] == "desk-4"
    assert row["posture_status"] == "Good"
    assert isinstance(row["neck_angle"], int)
    assert isinstance(row["body_angle"], int)
    assert row["landmarks_detected"] is True
    assert row["processed_by"] == "jetson-1"
    received = datetime.fromisoformat(row["received_time"])
    analyzed = datetime.fromisoformat(row["analyzed_time"])
    # UTC, whatever the zone of the machine; the broker's clock is this one.
    assert begun - timedelta(seconds=1) < received < analyzed
    assert analyzed < begun + timedelta(seconds=60)
    picture = worker.pictures / "analyzed_images_from_desk-4" / row["filename"]
    before = cv2.imread(str(IMAGES / f"{GOOD}.jpg"))
    after = cv2.imread(str(picture))
    assert after.shape == before.shape
    # The words are drawn in the upper left corner.
    assert np.abs(after[:60, :200].astype(int) - before[:60, :200]).mean() > 20


def test_every_sample_gets_one_row_and_one_file(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker()
    broker.publish("images/pi1", *map(payload, ALL))
    rows = wait_for_rows(postgres, len(ALL))
    assert_each_once(postgres, worker.pictures, len(ALL))
    statuses = [row["posture_status"] for row in rows]
    # With `lite`, 15 of the 16 samples come out as labelled (benchmarks/accuracy.py).
    assert statuses.count("Good") in (6, 7)
    assert statuses.count("Bad") in (5, 6)


def test_what_was_not_measured_is_null(broker, postgres, start_worker, wait_for_rows):
    start_worker()
    broker.publish("images/pi1", payload("empty_1280_006"))
    (row,) = wait_for_rows(postgres, 1)
    assert row["posture_status"] == "No_Landmarks_Detected"
    assert row["neck_angle"] is None
    assert row["body_angle"] is None
    assert row["landmarks_detected"] is False


def test_the_legacy_preset_judges_as_the_original_did(
    broker, postgres, start_worker, wait_for_rows
):
    # An upright neck (5 degrees here) is Bad by the original's rule.
    start_worker(PRESET="legacy")
    broker.publish("images/pi1", payload("good_1280_008"))
    (row,) = wait_for_rows(postgres, 1)
    assert row["neck_angle"] < 10
    assert row["posture_status"] == "Bad"


def test_two_equal_frames_are_two_pictures(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker()
    broker.publish("images/pi1", *[payload(GOOD)] * 3)
    wait_for_rows(postgres, 3)
    assert_each_once(postgres, worker.pictures, 3)


def test_qos_0_pictures_are_analyzed_too(broker, postgres, start_worker, wait_for_rows):
    start_worker()
    broker.publish("images/pi1", payload(GOOD), payload(GOOD), qos=0)
    wait_for_rows(postgres, 2)


RAW = (IMAGES / f"{GOOD}.jpg").read_bytes()


def _png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to no content."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", binascii.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def _encoded(suffix: str, image: np.ndarray) -> bytes:
    return base64.b64encode(cv2.imencode(suffix, image)[1].tobytes())


ACCEPTED = {
    "a data URL": b"data:image/jpeg;base64," + base64.b64encode(RAW),
    "MIME line breaks": base64.encodebytes(RAW),
    "the file itself": RAW,
    "no padding": base64.b64encode(RAW + b"\0" * (1 - len(RAW) % 3)).rstrip(b"="),
    "without its end marker": base64.b64encode(RAW[:-2]),
    "16 bit": _encoded(".png", np.full((480, 640), 40_000, np.uint16)),
    "one pixel": _encoded(".png", np.zeros((1, 1, 3), np.uint8)),
    "PNG with alpha": _encoded(".png", np.zeros((100, 100, 4), np.uint8)),
}


def test_every_usual_form_of_a_picture_is_accepted(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker()
    for number, each in enumerate(ACCEPTED.values()):
        broker.publish(f"images/form{number}", each)
    rows = wait_for_rows(postgres, len(ACCEPTED))
    assert {row["pi_id"] for row in rows} == {
        f"form{number}" for number in range(len(ACCEPTED))
    }
    assert "refused" not in worker.log
    assert_each_once(postgres, worker.pictures, len(ACCEPTED))


REFUSAL = "refused a message"
REFUSED = {
    "empty": (b"", "empty"),
    "only blanks": (b" \r\n", "empty"),
    "not Base64": (b"hello, world!", "neither Base64 nor an image"),
    "Base64 of a text": (base64.b64encode(b"hello, world!"), "no image"),
    "an SVG": (b"<svg onload='alert(1)'/>", "neither Base64 nor an image"),
    "a JPEG's first bytes": (base64.b64encode(RAW[:200]), "cannot be decoded"),
    "cut off in the middle": (
        base64.b64encode(RAW[: len(RAW) // 2]),
        "cut off or damaged",
    ),
    "a bomb": (base64.b64encode(_png_header(30_000, 30_000)), "50 million pixels"),
    "too long": (b"A" * (3 << 20), "more than 2097152 allowed"),
    "a data URL without data": (b"data:image/jpeg;base64,", "no image"),
}


def test_a_bad_message_is_kept_with_its_reason_and_the_next_picture_is_analyzed(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(MAX_PICTURE_MB="2", THREADS="1")
    known = set()
    for count, (kind, (bad, reason)) in enumerate(REFUSED.items(), start=1):
        broker.publish("images/pi1", bad, payload(GOOD))
        wait_until(
            lambda n=count: len(postgres.rows()) >= n, f"the picture after {kind}", 60
        )
        assert len(files_in(worker.pictures)) == count, kind
        wait_until(lambda n=count: worker.log.count(REFUSAL) >= n, f"{kind} is said")
        lines = [line for line in worker.lines if REFUSAL in line]
        assert len(lines) == count, kind
        assert reason in lines[-1], kind
        (note,) = set(worker.quarantine.glob("*.json")) - known
        known.add(note)
        assert reason in json.loads(note.read_text())["reason"], kind
        assert note.with_suffix(".payload").read_bytes() == bad, kind
    # Acknowledged: they do not come again.
    assert worker.stop() == 0
    again = start_worker(THREADS="1")
    broker.publish("images/pi1", payload(GOOD))
    wait_for_rows(postgres, len(REFUSED) + 1)
    assert "refused" not in again.log


def test_a_message_of_50_megabytes_is_refused(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(THREADS="1")
    broker.publish("images/pi1", b"A" * 50_000_000, payload(GOOD))
    wait_for_rows(postgres, 1)
    worker.wait_for("message of 50000000 bytes, more than 20971520 allowed")


def test_more_bad_messages_than_the_window_leave_room_for_the_next_picture(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(QUARANTINE_MB="1")
    broker.publish("images/pi1", *[b"bad %d" % n for n in range(300)], payload(GOOD))
    wait_for_rows(postgres, 1)
    wait_until(lambda: worker.log.count("refused a message") >= 300, "all are said")
    assert worker.log.count("refused a message") == 300
    # Bounded: a note counts as 4 KiB and one megabyte is allowed.
    assert len(list(worker.quarantine.glob("*.json"))) <= 256


TOPICS = {
    "images/": "unnamed-",
    "images//": "unnamed-",
    "images": "unnamed-",
    "images/../../etc/passwd": "etc_passwd-",
    "images/" + "p" * 300: "p" * 55 + "-",
    "images/büro-😀": "b_ro-",
    "images/a b/c": "a_b_c-",
}


def test_hostile_topics_stay_inside_the_pictures_folder(
    broker, postgres, start_worker, wait_for_rows, tmp_path
):
    worker = start_worker()
    for topic in TOPICS:
        broker.publish(topic, payload(GOOD))
    rows = wait_for_rows(postgres, len(TOPICS))
    names = {str(row["pi_id"]) for row in rows}
    assert len(names) == len(TOPICS)
    for start in TOPICS.values():
        assert any(name.startswith(start) for name in names), start
    assert_each_once(postgres, worker.pictures, len(TOPICS))
    outside = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*.jpg")}
    assert outside == {"worker"}


def test_pictures_that_would_end_or_hold_up_the_worker_are_refused(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(THREADS="1")
    hostile = {
        "a side of more than": images.png(32_767, 1),
        "scans": images.progressive_jpeg(64, 64, 2000),
        "MB while it is decoded": images.png(5000, 5000, 16, 6),
    }
    broker.publish("images/pi1", *map(base64.b64encode, hostile.values()))
    broker.publish("images/pi1", payload(GOOD))
    wait_for_rows(postgres, 1)
    notes = [json.loads(each.read_text()) for each in worker.quarantine.glob("*.json")]
    assert len(notes) == len(hostile)
    for words in hostile:
        assert any(words in note["reason"] for note in notes)
    assert worker.stop() == 0


def test_why_nobody_was_judged_is_in_the_row_the_log_and_the_metrics(
    broker, reasons, start_worker, wait_for_rows
):
    turned = cv2.rotate(cv2.imread(str(IMAGES / f"{GOOD}.jpg")), cv2.ROTATE_180)
    worker = start_worker(ROTATE="desk4=180")
    for pi in ("desk3", "desk4"):
        broker.publish(f"images/{pi}", images.file_of(turned, ".jpg"))

    rows = {row["pi_id"]: row for row in wait_for_rows(reasons, 2)}
    assert rows["desk3"]["posture_status"] == "Partial_Landmarks_Detected"
    assert rows["desk3"]["reason"] == "turned"
    assert (rows["desk3"]["neck_angle"], rows["desk3"]["yaw"]) == (None, None)
    worker.wait_for("reason=turned rotate=180")
    assert rows["desk4"]["posture_status"] == "Good"
    assert (rows["desk4"]["reason"], rows["desk4"]["view"]) == (None, "side")


def test_two_people_are_not_judged_where_one_is_to_be_alone(
    broker, postgres, start_worker, wait_for_rows
):
    image = cv2.imread(str(IMAGES / f"{GOOD}.jpg"))
    middle = image[:, image.shape[1] // 5 : -image.shape[1] // 5]
    worker = start_worker(PEOPLE="alone", TRACK="2")
    two = images.file_of(np.hstack([middle, middle]), ".jpg")
    broker.publish("images/desk3", two, images.file_of(image, ".jpg"))

    both, alone = sorted(
        wait_for_rows(postgres, 2), key=lambda row: row["received_time"]
    )
    assert both["posture_status"] == "Partial_Landmarks_Detected"
    worker.wait_for("reason=several_people")
    assert alone["posture_status"] == "Good"
    worker.wait_for("TRACK is not used")
