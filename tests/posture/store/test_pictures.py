import errno
import os
import subprocess
import sys

import pytest

from common.errors import OperatorError
from posture.store.pictures import (
    check_writable,
    folder_of,
    remove_parts,
    save,
)
from tests.fixtures.disk import full_disk


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*"))


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


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o640), (0o077, 0o600)])
def test_nobody_else_may_read_a_picture(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        save({tmp_path / "a.jpg": b"picture"})
    finally:
        os.umask(before)

    assert (tmp_path / "a.jpg").stat().st_mode & 0o777 == mode


def test_of_what_is_half_written_only_ours_is_removed(tmp_path):
    folder = folder_of(tmp_path, "pi1")
    folder.mkdir()
    ours = folder / f".pi1_{'0' * 32}.jpg.0123abcd"
    others = [folder / ".holiday.jpg.bak", folder / f".pi1_{'1' * 32}.jpg.0123abcd"]
    ours.touch()
    others[0].touch()
    others[1].symlink_to("nowhere")

    remove_parts(tmp_path)

    assert not ours.exists()
    assert all(each.is_symlink() or each.exists() for each in others)
