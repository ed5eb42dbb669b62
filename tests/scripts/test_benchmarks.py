"""The benchmark that is no measurement of time: it says what is right."""

import json
import subprocess
import sys

import pytest

from tests.conftest import IMAGES
from tests.fixtures.worker import ROOT

LABELS = json.loads((IMAGES / "labels.json").read_text())


def accuracy(*flags):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.accuracy", "--model", "lite", *flags],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=True,
    ).stdout


def test_the_accuracy_of_a_folder_is_told_for_each_picture():
    told = json.loads(accuracy("--pictures", str(IMAGES), "--json"))

    assert set(told) == set(LABELS)
    for name, label in LABELS.items():
        verdict = told[name]
        assert set(verdict) == {"status", "neck", "body", "side"}
        if verdict["status"] in ("Good", "Bad"):
            assert verdict["side"] == label["near_side"]
            assert verdict["neck"] is not None
            assert verdict["body"] is not None


def test_the_confusion_table_names_what_is_wrong():
    shown = accuracy("--pictures", str(IMAGES))

    assert "forward_head_1280_011.jpg: Good" in shown
    assert f"right: 15 of {len(LABELS)}" in shown


def test_a_folder_without_labels_and_one_broken_picture_is_shown_too(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")

    told = json.loads(accuracy("--pictures", str(tmp_path), "--json"))

    assert told["broken.jpg"]["status"] is None
    assert "cannot be decoded" in told["broken.jpg"]["refused"]


def test_an_empty_folder_is_refused_in_words(tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        accuracy("--pictures", str(tmp_path))
    assert caught.value.returncode == 2
    assert "no .jpg or .png file there" in caught.value.stderr
