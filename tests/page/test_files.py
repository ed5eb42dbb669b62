"""Only files that a row names, and that lie where they belong."""

import pytest

from common.picture_topics import safe_name
from page.files import read_picture, read_quarantine

JPEG = b"\xff\xd8\xff some picture"


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures" / "analyzed_images_from_desk"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(JPEG)
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "page.jpg").write_bytes(b"<html>")
    (folder / "notes.txt").write_bytes(JPEG)
    return tmp_path / "pictures"


def test_a_picture_that_is_there_is_read(pictures):
    assert read_picture(pictures, "desk", "a.jpg") == JPEG


def test_a_picture_of_a_camera_whose_name_was_changed_is_read(pictures):
    pi = safe_name("Büro 2")
    (pictures / f"analyzed_images_from_{pi}").mkdir()
    (pictures / f"analyzed_images_from_{pi}" / "a.jpg").write_bytes(JPEG)

    assert read_picture(pictures, pi, "a.jpg") == JPEG


@pytest.mark.parametrize(
    ("pi", "filename"),
    [
        ("desk", "../../secret.jpg"),
        ("desk", "/etc/passwd"),
        ("desk/../..", "secret.jpg"),
        ("x/../analyzed_images_from_desk", "a.jpg"),
        ("../../..", "secret.jpg"),
        ("desk", "link.jpg"),
        ("desk", "page.jpg"),
        ("desk", "notes.txt"),
        ("desk", "gone.jpg"),
        ("desk", ""),
        ("desk", "a\0.jpg"),
        ("desk", "a" * 5000 + ".jpg"),
    ],
)
def test_nothing_else_is_read(pictures, pi, filename):
    assert read_picture(pictures, pi, filename) is None


def test_a_quarantine_that_is_not_there_is_empty(tmp_path):
    assert read_quarantine(tmp_path / "none") == (0, [])


def test_a_note_that_is_broken_is_said(tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    count, notes = read_quarantine(tmp_path)
    assert count == 1
    assert notes[0].reason == "its note cannot be read"
