"""Only what is ours is deleted, and all of it: links, foreign files, half files."""

import json
import os
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from posture.store.kept_files import Period, picture_of, refused_in
from posture.store.own_files import delete
from posture.store.pictures import folder_of
from posture.store.retention import prune_files
from posture.store.settings import FolderSettings
from tests.fixtures.settings import settings_from

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=40)
WHEN = Period(OLD - timedelta(hours=1), OLD + timedelta(hours=1))


@pytest.fixture
def folders(tmp_path):
    texts = {
        "PICTURES_FOLDER": str(tmp_path / "pictures"),
        "QUARANTINE_FOLDER": str(tmp_path / "quarantine"),
        "PICTURE_DAYS": "30",
    }
    settings = settings_from(FolderSettings, texts)
    settings.pictures.mkdir()
    settings.quarantine.mkdir()
    return settings


def old(path, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (OLD.timestamp(),) * 2)
    return path


def picture(pi):
    return f"{pi}_{secrets.token_hex(16)}.jpg"


def message():
    return f"{OLD:%Y%m%dT%H%M%S}_{secrets.token_hex(6)}"


def test_pictures_behind_a_link_to_another_disk_are_pruned(folders, tmp_path):
    other = tmp_path / "other disk"
    kept = old(other / picture("desk"))
    foreign = old(other / "passport.jpg")
    folder_of(folders.pictures, "desk").symlink_to(other)

    assert prune_files(folders, NOW).pictures == 1
    assert not kept.exists()
    assert foreign.exists()


def test_what_only_looks_like_ours_stays(folders, tmp_path):
    camera = folder_of(folders.pictures, "desk")
    outside = old(tmp_path / picture("desk"))
    stays = [
        old(folders.pictures / "holiday" / picture("holiday")),
        old(folders.pictures / picture("desk")),
        old(camera / picture("other")),
        old(camera / "desk_holiday.jpg"),
        old(folders.quarantine / "20261125T120000_notes.json"),
    ]
    (camera / picture("desk")).symlink_to(outside)
    (folders.quarantine / f"{message()}.json").symlink_to(outside)
    folder_of(folders.pictures, "loop").symlink_to(folder_of(folders.pictures, "loop"))
    folder_of(folders.pictures, "gone").symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.rglob("*"))

    deleted = prune_files(folders, NOW)

    assert (deleted.pictures, deleted.refused) == (0, 0)
    assert sorted(tmp_path.rglob("*")) == before
    assert all(each.exists() for each in stays)


@pytest.mark.parametrize(
    "filename",
    ["passport.jpg", "../passport.jpg", "/etc/passwd", "", None, f"b_{'0' * 32}.jpg"],
)
def test_a_row_cannot_name_a_file_that_is_not_its_cameras(folders, tmp_path, filename):
    other = tmp_path / "other disk"
    for each in ("passport.jpg", f"b_{'0' * 32}.jpg"):
        old(other / each)
    folder_of(folders.pictures, "desk").symlink_to(other)

    assert picture_of(folders.pictures, "desk", filename) is None


def test_a_link_stays_and_a_folder_in_the_place_of_a_file_is_told(tmp_path):
    target = old(tmp_path / "target")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "folder").mkdir()

    assert not delete(tmp_path / "link")
    with pytest.raises(IsADirectoryError):
        delete(tmp_path / "folder")
    assert not delete(tmp_path / "nowhere" / "file")
    assert delete(target)
    assert (tmp_path / "link").is_symlink()


def note(folders, name, topic, time):
    told = {"topic": topic, "reason": "no image", "refused_time": time.isoformat()}
    return old(folders.quarantine / f"{name}.json", json.dumps(told).encode())


def test_what_nobody_knows_whose_it_is_is_forgotten_with_any_camera(folders):
    names = [message() for _ in range(5)]
    gone = [
        note(folders, names[0], "images/desk", OLD),
        old(folders.quarantine / f"{names[0]}.payload"),
        old(folders.quarantine / f".{names[0]}.payload.0123abcd"),
        old(folders.quarantine / f"{names[1]}.payload"),
        old(folders.quarantine / f".{names[2]}.json.0123abcd"),
        old(folders.quarantine / f"{names[3]}.json", b"[1]"),
    ]
    stays = [
        note(folders, names[4], "images/other", OLD),
        old(folders.quarantine / f"{names[4]}.payload"),
    ]
    being_written = folders.quarantine / f"{message()}.payload"
    being_written.write_bytes(b"x")

    found = list(refused_in(folders.quarantine, "desk", WHEN))

    assert sorted(found) == sorted(gone)
    assert found.index(gone[0]) > found.index(gone[1])
    assert not {*stays, being_written} & set(found)
