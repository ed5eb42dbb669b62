"""One camera's folder may be blocked; and what is saved survives a power cut."""

import os
import shutil
import subprocess
import sys

import pytest

from posture.store.camera_folders import CameraFolders, File
from posture.store.pictures import folder_of
from tests.fixtures.disk import NoLoopError, full_disk, mounted_image
from tests.fixtures.worker import ROOT

NOW = 1_800_000_000.0


def file(pi, name="a", content=b"jpeg"):
    return File(pi, f"{pi}_{name}.jpg", content, NOW)


def saved(root):
    return {path.name for path in root.glob("analyzed_images_from_*/*")}


def file_in_the_way(folder):
    folder.touch()


def dangling_link(folder):
    folder.symlink_to("/nowhere/at/all")


def link_to_itself(folder):
    folder.symlink_to(folder)


@pytest.mark.parametrize("block", [file_in_the_way, dangling_link, link_to_itself])
def test_a_blocked_folder_keeps_no_other_camera_waiting(tmp_path, block, monkeypatch):
    folders = CameraFolders(tmp_path)
    block(folder_of(tmp_path, "pi2"))
    three = [file("pi1"), file("pi2"), file("pi3")]

    troubles = folders.save(three)

    assert saved(tmp_path) == {"pi1_a.jpg", "pi3_a.jpg"}
    assert list(troubles) == ["pi2"]
    assert not troubles["pi2"].lasting
    assert str(folder_of(tmp_path, "pi2")) in troubles["pi2"].reason
    # Also when it comes alone; and at last nobody waits for it any more.
    monkeypatch.setattr("posture.store.camera_folders._PATIENCE", 0)
    assert folders.save([file("pi2")])["pi2"].lasting

    folder_of(tmp_path, "pi2").unlink()
    assert folders.save(three) == {}
    assert saved(tmp_path) == {"pi1_a.jpg", "pi2_a.jpg", "pi3_a.jpg"}


def test_a_full_disk_is_no_cameras_fault(tmp_path):
    with full_disk(tmp_path / "disk") as disk:
        folders = CameraFolders(disk)
        large = [
            file("pi1", content=bytes(2 << 20)),
            file("pi2", content=bytes(2 << 20)),
        ]
        for files in (large, large[:1]):
            with pytest.raises(OSError, match=r"space|large"):
                folders.save(files)
        assert folders.save([file("pi1", "small")]) == {}


def test_what_is_saved_has_its_name_and_content_after_a_power_cut(tmp_path):
    content = os.urandom(30_000)
    try:
        with mounted_image(tmp_path / "disk", tmp_path / "mnt", size=64 << 20) as disk:
            for number in range(20):
                names = [file(f"pi{n}", str(number), content) for n in range(3)]
                assert CameraFolders(disk).save(names) == {}
            shutil.copyfile(tmp_path / "disk", tmp_path / "copy")
    except NoLoopError as error:
        pytest.skip(f"no disk image can be mounted: {error}")

    with mounted_image(tmp_path / "copy", tmp_path / "after") as disk:
        found = [
            path.read_bytes() for path in disk.glob("analyzed_images_from_*/*.jpg")
        ]
    assert len(found) == 60
    assert all(each == content for each in found)


def test_a_folder_is_synced_before_the_row_is_written(tmp_path):
    """Where no disk can be mounted: the order of the calls."""
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is not installed")
    program = (
        "from pathlib import Path\n"
        "from posture.store.camera_folders import CameraFolders, File\n"
        f"CameraFolders(Path({str(tmp_path)!r})).save("
        "[File('pi1', 'pi1_a.jpg', b'jpeg', 0.0)])\n"
    )
    trace = tmp_path / "trace"
    subprocess.run(
        [
            *(strace, "-f", "-y", "-o", str(trace)),
            *("-e", "trace=rename,renameat,renameat2,fsync,fdatasync"),
            *(sys.executable, "-c", program),
        ],
        cwd=ROOT,
        check=True,
    )
    calls = trace.read_text()
    assert 0 < calls.index("fdatasync") < calls.index("rename") < calls.rindex("fsync(")
