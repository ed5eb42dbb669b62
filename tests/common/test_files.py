"""Files written whole or not at all."""

import pytest

from common.errors import OperatorError
from common.files import write_text, written_aside


def test_a_file_is_written_with_the_folders_above_it(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    write_text(path, "ä\n")
    assert path.read_bytes() == "ä\n".encode()
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "new \udc00")
    with pytest.raises(RuntimeError), written_aside(path) as aside:
        aside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with written_aside(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    path = tmp_path / "a-file"
    write_text(path, "x")
    with pytest.raises(OperatorError, match=r"cannot write .*a-file/below: "):
        write_text(path / "below", "x")


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    # The kernel's device for a full disk, in the place of the file aside.
    with pytest.raises(OSError, match="No space left"), written_aside(path) as aside:
        aside.unlink()
        aside.symlink_to("/dev/full")
        with aside.open("w") as full:
            full.write("new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
