"""Pictures that crash or hang the native code, and what becomes of them."""

import base64
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import IMAGES
from tests.fixtures.net import wait_until
from tests.fixtures.worker import ROOT
from tests.worker.conftest import ALL, GOOD, assert_each_once, payload

STAND_IN = Path(__file__).parents[1] / "fixtures" / "poison"
POISONED = {"PYTHONPATH": f"{STAND_IN}{os.pathsep}{ROOT}", "THREADS": "1"}


# Root without root's powers: it may do what any user may with what is its own.
_POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
ORDINARY = _POWERLESS if os.geteuid() == 0 else ()


def poison(words: bytes) -> bytes:
    """A sample picture with a comment that the stand-in understands."""
    jpeg = (IMAGES / f"{GOOD}.jpg").read_bytes()
    comment = b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words
    return base64.b64encode(jpeg[:2] + comment + jpeg[2:])


def reasons(folder: Path) -> list[str]:
    return [json.loads(note.read_text())["reason"] for note in folder.glob("*.json")]


def test_a_picture_that_crashes_the_worker_is_tried_in_isolation_and_put_aside(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(**POISONED)
    broker.publish("images/pi1", poison(b"SEGFAULT"), *map(payload, ALL[:5]))
    assert worker.wait() < 0
    again = start_worker(**POISONED)
    wait_for_rows(postgres, 5)
    wait_until(lambda: reasons(again.quarantine), "the quarantine")
    assert reasons(again.quarantine) == [
        "tried in isolation, it ends its process: SIGSEGV"
    ]
    assert again.stop() == 0
    assert_each_once(postgres, again.pictures, 5)


def test_a_picture_that_never_ends_ends_the_worker_and_then_only_its_trial(
    broker, postgres, start_worker, wait_for_rows
):
    environ = POISONED | {"PICTURE_DEADLINE": "6"}
    worker = start_worker(**environ)
    broker.publish("images/pi1", poison(b"FOR EVER"), *map(payload, ALL[:5]))
    assert worker.wait() == 1
    assert "the next worker tries it in isolation" in worker.log
    again = start_worker(**environ)
    wait_for_rows(postgres, 5)
    wait_until(lambda: reasons(again.quarantine), "the quarantine")
    assert reasons(again.quarantine) == ["tried in isolation, it takes more than 6 s"]
    assert again.stop() == 0
    assert_each_once(postgres, again.pictures, 5)


def test_good_and_bad_pictures_come_out_of_isolation_as_they_would_without(
    broker, postgres, start_worker, wait_for_rows
):
    start_worker(**POISONED).stop()
    bad = b"no picture at all"
    broker.publish("images/pi1", *[poison(b"SEGFAULT"), *map(payload, ALL), bad])
    assert start_worker(ready=False, **POISONED).wait() < 0
    again = start_worker(**POISONED)
    rows = wait_for_rows(postgres, len(ALL))
    wait_until(lambda: len(reasons(again.quarantine)) == 2, "both in quarantine")
    assert any("but no image" in each for each in reasons(again.quarantine))
    assert [row["posture_status"] for row in rows].count("Good") in (6, 7)
    assert_each_once(postgres, again.pictures, len(ALL))


def test_the_process_that_looks_at_suspect_pictures_knows_no_password(
    broker, postgres, start_worker
):
    worker = start_worker(**POISONED)
    broker.publish("images/pi1", poison(b"SEGFAULT"))
    worker.wait()
    again = start_worker(PICTURE_DEADLINE="30", **POISONED | {"PYTHONPATH": ""})
    # Harmless without the stand-in, so the process is still there to be looked at.
    wait_until(lambda: postgres.rows(), "the row")
    (child,) = _children(again.process.pid)
    environ = (Path("/proc") / child / "environ").read_bytes()
    assert b"PATH=" in environ
    assert b"SUPABASE_PASSWORD" not in environ


def test_a_trial_ends_with_its_worker_however_that_ends(broker, postgres, start_worker):
    environ = POISONED | {"PICTURE_DEADLINE": "6"}
    worker = start_worker(**environ)
    broker.publish("images/pi1", poison(b"FOR EVER"))
    assert worker.wait() == 1
    again = start_worker(**POISONED | {"LOG_LEVEL": "debug"})
    again.wait_for("in it for ever")
    (child,) = _children(again.process.pid)
    again.signal(signal.SIGKILL)
    again.wait()
    wait_until(lambda: not _runs(child), "the trial's end")


def _runs(pid: str) -> bool:
    """Whether there is such a process, and no more than its remains."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.mark.usefixtures("broker")
def test_other_processes_of_its_user_cannot_read_the_workers_passwords(
    postgres, start_worker
):
    worker = start_worker(THREADS="1", prefix=ORDINARY)
    environ = f"/proc/{worker.process.pid}/environ"
    reading = [*ORDINARY, "cat", environ]
    done = subprocess.run(reading, capture_output=True, text=True, check=False)
    assert (done.stdout, "Permission denied" in done.stderr) == ("", True)
    assert worker.stop() == 0


def _children(pid: int) -> list[str]:
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for each in found for child in each.read_text().split()]


def test_replay_puts_back_what_is_in_quarantine(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(MAX_PICTURE_MB="1", THREADS="1")
    large = payload(GOOD) + b"\n" * (1 << 20)
    broker.publish("images/pi7", large)
    wait_until(lambda: reasons(worker.quarantine), "the quarantine")
    assert worker.stop() == 0
    command = start_worker("replay", ready=False)
    assert command.wait() == 0, command.log
    assert list(worker.quarantine.iterdir()) == []
    start_worker()
    (row,) = wait_for_rows(postgres, 1)
    assert row["pi_id"] == "pi7"


@pytest.mark.usefixtures("postgres")
def test_replay_keeps_what_nobody_would_get(broker, start_worker):
    folder = start_worker(THREADS="1", MQTT_TOPIC="other/#")
    broker.publish("other/pi1", b"no picture at all")
    wait_until(lambda: reasons(folder.quarantine), "the quarantine")
    folder.stop()
    broker.stop()
    (broker.folder / "mosquitto.db").unlink()
    broker.start()
    command = start_worker("replay", ready=False)
    assert command.wait() == 1
    assert "knows no session" in command.log
    assert len(reasons(folder.quarantine)) == 1
