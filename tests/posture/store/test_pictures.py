import errno
import json
import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from common.errors import OperatorError
from posture.store.pictures import (
    Quarantine,
    check_writable,
    encode,
    folder_of,
    remove_parts,
    save,
)
from tests.fixtures import images
from tests.fixtures.disk import full_disk, little_room


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))


def test_a_picture_is_written_as_jpeg():
    image = cv2.imdecode(np.frombuffer(encode(images.plain()), np.uint8), 1)

    assert np.abs(image.astype(int) - images.plain()).max() <= 3


def test_a_picture_is_saved_into_a_folder_that_is_made(tmp_path):
    path = folder_of(tmp_path, "pi1") / "a.jpg"

    save({path: b"picture"})

    assert path.read_bytes() == b"picture"
    assert files_under(tmp_path) == ["analyzed_images_from_pi1/a.jpg"]


def test_a_picture_is_never_saved_over_another(tmp_path):
    save({tmp_path / "a.jpg": b"first"})

    save({tmp_path / "a.jpg": b"second"})

    assert files_under(tmp_path) == ["a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes() == b"first"


def test_a_picture_has_its_name_only_once_it_is_on_disk(tmp_path, monkeypatch):
    path, synced = tmp_path / "a.jpg", []

    def look(descriptor):
        synced.append((os.fstat(descriptor).st_size, path.exists()))

    monkeypatch.setattr(os, "fdatasync", look)
    save({path: b"picture"})

    assert synced == [(7, False)]
    assert path.exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    with full_disk(tmp_path / "disk") as folder:
        with pytest.raises(OSError) as caught:
            save({folder / "sub" / "a.jpg": bytes(2 << 20)})
        assert files_under(folder) == []
    assert caught.value.errno in (errno.ENOSPC, errno.EFBIG)


def test_a_name_that_a_folder_has_taken_leaves_nothing_behind(tmp_path):
    (tmp_path / "analyzed_images_from_pi1").write_bytes(b"in the way")

    with pytest.raises(NotADirectoryError):
        save({folder_of(tmp_path, "pi1") / "a.jpg": b"picture"})


def test_what_a_killed_worker_left_is_removed(tmp_path):
    path = folder_of(tmp_path, "pi1") / "a.jpg"
    program = (
        "import os, pathlib, sys\n"
        "from posture.store import pictures\n"
        "os.fdatasync = lambda _: os._exit(9)\n"  # killed before the last step
        "pictures.save({pathlib.Path(sys.argv[1]): b'half'})\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert killed.returncode == 9
    assert len(list(path.parent.iterdir())) == 1
    save({path: b"whole"})
    (path.parent / ".keep").touch()  # the user's own

    remove_parts(tmp_path)

    assert sorted(each.name for each in path.parent.iterdir()) == [".keep", "a.jpg"]
    assert path.read_bytes() == b"whole"


def test_a_writable_folder_is_made_and_left_empty(tmp_path):
    check_writable(tmp_path / "a" / "b")

    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(
        OperatorError, match=r"cannot write into .*/file/sub: Not a dir"
    ):
        check_writable(tmp_path / "file" / "sub")


def test_a_refused_message_is_kept_with_its_reason(tmp_path):
    Quarantine(tmp_path, 1 << 20).keep("a", "images/../x", b"\0payload", "no image")

    note = json.loads((tmp_path / "a.json").read_text())
    assert (tmp_path / "a.payload").read_bytes() == b"\0payload"
    assert (note["topic"], note["reason"], note["bytes"]) == (
        "images/../x",
        "no image",
        8,
    )


def disk_use(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize("size", [0, 1, 10_000, 60_000], ids=lambda n: f"{n} bytes")
def test_the_quarantine_is_bounded_and_forgets_the_oldest(tmp_path, size):
    limit, count = 100_000, 40
    quarantine = Quarantine(tmp_path, limit)

    for number in range(count):
        quarantine.keep(f"{number:02}", "images/pi1", bytes(size), "no image")
        os.utime(tmp_path / f"{number:02}.json", (number, number))

    kept = sorted(path.stem for path in tmp_path.glob("*.json"))
    assert disk_use(tmp_path) <= limit
    assert 0 < len(kept) < count  # many small ones end too
    assert kept == [f"{number:02}" for number in range(count - len(kept), count)]
    assert sorted(path.stem for path in tmp_path.glob("*.payload")) == kept


def test_of_a_message_larger_than_the_quarantine_only_the_note_is_kept(
    tmp_path, caplog
):
    Quarantine(tmp_path, 10_000).keep("a", "images/pi1", bytes(10_001), "too long")

    assert disk_use(tmp_path) < 1000
    assert json.loads((tmp_path / "a.json").read_text())["reason"] == "too long"
    assert "keeps no payload of 10001 bytes" in caplog.text


def test_a_quarantine_of_nothing_keeps_nothing(tmp_path):
    Quarantine(tmp_path, 0).keep("a", "images/pi1", b"", "empty")

    assert list(tmp_path.iterdir()) == []


def test_several_threads_may_fill_the_quarantine(tmp_path, caplog):
    quarantine = Quarantine(tmp_path, 50_000)

    def fill(thread):
        for number in range(50):
            quarantine.keep(f"{thread}-{number}", "images/pi1", bytes(5000), "no image")

    threads = [threading.Thread(target=fill, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert disk_use(tmp_path) <= 50_000
    assert caplog.text == ""


def test_a_full_disk_does_not_stop_the_worker(tmp_path, caplog):
    with full_disk(tmp_path / "disk") as folder:
        Quarantine(folder, 8 << 20).keep("a", "images/pi1", bytes(2 << 20), "no image")

    assert "quarantine cannot keep a" in caplog.text


def test_a_payload_whose_note_has_no_room_is_not_left_behind(tmp_path):
    quarantine = Quarantine(tmp_path, 1 << 20)

    with little_room(100):  # for a small payload, but not for a note
        for number in range(3):
            quarantine.keep(f"{number}", "images/pi1", b"x" * 50, "no image")

    assert list(tmp_path.glob("*.payload")) == []
