"""The quarantine: what is kept of a refused message, and for how long."""

import json
import os
import threading

import pytest

from posture.store.quarantine import Quarantine
from tests.fixtures.disk import full_disk, little_room


def name(number):
    """A name as the worker gives it."""
    return f"20261125T120000_{number:012x}"


NAME = name(0)


def test_a_refused_message_is_kept_with_its_reason(tmp_path):
    Quarantine(tmp_path, 1 << 20).keep(
        NAME, "pi1", "images/../x", b"\0payload", "no image"
    )

    note = json.loads((tmp_path / f"{NAME}.json").read_text())
    assert (tmp_path / f"{NAME}.payload").read_bytes() == b"\0payload"
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
        quarantine.keep(name(number), "pi1", "images/pi1", bytes(size), "no image")
        os.utime(tmp_path / f"{name(number)}.json", (number, number))

    kept = sorted(path.stem for path in tmp_path.glob("*.json"))
    assert disk_use(tmp_path) <= limit
    assert 0 < len(kept) < count  # many small ones end too
    assert kept == [name(number) for number in range(count - len(kept), count)]
    assert sorted(path.stem for path in tmp_path.glob("*.payload")) == kept


def test_of_a_message_larger_than_the_quarantine_only_the_note_is_kept(
    tmp_path, caplog
):
    Quarantine(tmp_path, 10_000).keep(
        NAME, "pi1", "images/pi1", bytes(10_001), "too long"
    )

    assert disk_use(tmp_path) < 1000
    assert json.loads((tmp_path / f"{NAME}.json").read_text())["reason"] == "too long"
    assert "keeps no payload of 10001 bytes" in caplog.text


def test_a_quarantine_of_nothing_keeps_nothing(tmp_path):
    Quarantine(tmp_path, 0).keep(NAME, "pi1", "images/pi1", b"", "empty")

    assert list(tmp_path.iterdir()) == []


def test_several_threads_may_fill_the_quarantine(tmp_path, caplog):
    quarantine = Quarantine(tmp_path, 50_000)

    def fill(thread):
        for number in range(50):
            quarantine.keep(
                name(thread * 50 + number), "pi1", "images/pi1", bytes(5000), "no image"
            )

    threads = [threading.Thread(target=fill, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert disk_use(tmp_path) <= 50_000
    assert caplog.text == ""


def test_a_full_disk_does_not_stop_the_worker(tmp_path, caplog):
    with full_disk(tmp_path / "disk") as folder:
        Quarantine(folder, 8 << 20).keep(
            NAME, "pi1", "images/pi1", bytes(2 << 20), "no image"
        )

    assert f"quarantine cannot keep {NAME}" in caplog.text


def test_a_payload_whose_note_has_no_room_is_not_left_behind(tmp_path):
    quarantine = Quarantine(tmp_path, 1 << 20)

    with little_room(100):  # for a small payload, but not for a note
        for number in range(3):
            quarantine.keep(name(number), "pi1", "images/pi1", b"x" * 50, "no image")

    assert list(tmp_path.glob("*.payload")) == []


def test_what_is_not_ours_is_neither_counted_nor_deleted_nor_in_the_way(tmp_path):
    link = tmp_path / f"{name(1)}.json"
    link.symlink_to(tmp_path / "nowhere")
    (tmp_path / f"{name(2)}.payload").mkdir()
    (tmp_path / "notes.json").write_bytes(bytes(200_000))
    quarantine = Quarantine(tmp_path, 100_000)

    for number in range(10, 30):
        quarantine.keep(name(number), "pi1", "images/pi1", bytes(10_000), "no image")

    kept = sorted(tmp_path.glob("*.payload"))
    assert len(kept) == 1 + 7  # the folder, and as many as there is room for
    assert kept[-1].stem == name(29)
    assert link.is_symlink()
    assert (tmp_path / "notes.json").exists()


def test_a_payload_without_a_note_is_forgotten_too(tmp_path):
    left = tmp_path / f"{name(1)}.payload"
    half = tmp_path / f".{name(2)}.json.0123abcd"
    for each in (left, half):
        each.write_bytes(bytes(50_000))
        os.utime(each, (0, 0))

    Quarantine(tmp_path, 60_000).keep(
        NAME, "pi1", "images/pi1", bytes(50_000), "no image"
    )

    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".payload"]
    assert not left.exists()


def test_nobody_else_may_read_a_refused_message(tmp_path):
    Quarantine(tmp_path, 1 << 20).keep(
        NAME, "pi1", "images/pi1", b"picture", "no image"
    )

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}
