"""Every benchmark works; of the one that is no measurement of time, what it says."""

import json
import os
import shutil
import subprocess
import sys

import cv2
import pytest

from benchmarks.accuracy_tables import is_right
from benchmarks.compare import checkout_of, losses
from tests.conftest import IMAGES
from tests.fixtures.control_plane import binaries
from tests.fixtures.postgres import memory_folder
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
        assert set(verdict) == {
            *("status", "neck", "body", "side", "reason", "view", "yaw", "confidence")
        }
        if verdict["status"] in ("Good", "Bad"):
            assert verdict["side"] == label["near_side"]
            assert verdict["neck"] is not None
            assert verdict["body"] is not None


def test_the_confusion_table_names_what_is_wrong():
    shown = accuracy("--pictures", str(IMAGES))

    assert "forward_head_1280_011.jpg: Good" in shown
    assert f"right: 15 of {len(LABELS)}" in shown
    assert "neck: off by" in shown
    assert shown.splitlines()[-1].startswith("images, lite: 15 of 16 right; of those")


def test_a_folder_without_labels_and_one_broken_picture_is_shown_too(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")

    told = json.loads(accuracy("--pictures", str(tmp_path), "--json"))

    assert told["broken.jpg"]["status"] is None
    assert "cannot be decoded" in told["broken.jpg"]["refused"]


def test_an_empty_folder_is_refused_in_words(tmp_path):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        accuracy("--pictures", str(tmp_path))
    assert caught.value.returncode == 2
    assert "no picture file there" in caught.value.stderr


@pytest.mark.parametrize(
    ("expected", "off_side", "status", "right"),
    [
        ("cannot_be_measured", 0, "Partial_Landmarks_Detected", True),
        ("cannot_be_measured", 0, "No_Landmarks_Detected", True),
        ("not_Good_or_Bad", 0, "Good", False),
        ("Good", 20, "Partial_Landmarks_Detected", False),
        ("Good", 41, "Partial_Landmarks_Detected", True),
        ("Good", 41, "Bad", False),
        ("Good", 41, None, False),
    ],
)
def test_nobody_need_be_judged_who_is_far_off_the_side(
    expected, off_side, status, right
):
    assert is_right(status, {"expected": expected, "off_side": off_side}) is right


def test_what_is_ambiguous_is_shown_and_not_counted(tmp_path):
    for name in ("good_1280_000.jpg", "slouch_1280_002.jpg"):
        (tmp_path / name).write_bytes((IMAGES / name).read_bytes())
    picture = cv2.imread(str(IMAGES / "good_1280_001.jpg"))
    cv2.imwrite(str(tmp_path / "good.webp"), picture)
    labels = {
        "good_1280_000.jpg": {"expected": "ambiguous"},
        "slouch_1280_002.jpg": {"expected": "Good", "kind": "slouch", "view": "side"},
        "good.webp": {"expected": "Good", "kind": "good", "view": "side"},
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))

    shown = accuracy("--pictures", str(tmp_path))

    assert "right: 1 of 2, 50.0% (2 judged)" in shown
    assert "kind slouch: 0 of 1" in shown
    assert "view side: 1 of 2" in shown


def figures(**changed):
    ratios = ("now to bare", "now to base, pictures a second")
    return {"all of it": dict.fromkeys(ratios, 1.0) | changed}


@pytest.mark.parametrize(
    ("changed", "kept", "worse"),
    [
        ({}, {"all of it": 1.04}, 0),
        ({}, {"all of it": 1.06}, 1),
        ({"now to base, pictures a second": 0.96}, {}, 0),
        ({"now to base, pictures a second": 0.94}, {}, 1),
        ({"base to bare": 0.5}, {"nothing": 2.0}, 0),
    ],
)
def test_a_ratio_that_is_five_percent_worse_is_a_loss(changed, kept, worse):
    assert len(losses(figures(**changed), kept, 0.05)) == worse


def test_a_base_that_is_not_there_is_told_by_its_name():
    with (
        pytest.raises(SystemExit, match=r"no nowhere-1 to compare with \(BASE="),
        checkout_of("nowhere-1"),
    ):
        pass


# Too small to measure anything: they only have to work. The others are parts of these.
BY_OTHER_TESTS = {"accuracy", "compare", "profile"}  # above, and of `make`'s targets
SMALLEST = {
    "camera": ["--model=lite", "--people=1"],
    "cluster_watch": ["--nodes=3", "--jobs=3", "--seconds=1"],
    "delegate": ["--only=lite", "--rounds=1", "--threads=1", "--seconds=0.2"],
    "followed": ["--model=lite", "--rounds=1", "--count=4", "--seconds=0.1"],
    "node_agent": ["--seconds=2"],
    "nudges": ["--rows=2000"],
    "original": ["--models=lite", "--rounds=1", "--seconds=0.2"],
    "page queries": ["--rows=2000", "--runs=1"],
    "page screen": ["--runs=1"],
    "page load": ["--cameras=2", "--pages=1", "--seconds=1"],
    "page_and_worker": [
        *("--model=lite", "--cameras=2", "--pages=1", "--rounds=1", "--seconds=2"),
        "--backlog=4",
    ],
    "page_cold": ["--rows=2000", "--rounds=1"],
    "page_weeks": ["--rows=2000", "--runs=2"],
    "placement": ["--nodes=10", "--rounds=2"],
    "results": ["--seconds=1"],
    "retention": ["--rows=2000"],
    "scaler_calls": ["--calls=50", "--many=50"],
    "sequences": ["--model=lite", "--length=2", "--people=1"],
    "start": ["--runs=1"],
    "store": ["--rounds=1"],
    "strangers page": ["--seconds=0.2", "--share=0.02"],
    "strangers worker": ["--copies=1", "--share=0.02", "--model=lite"],
    "telemetry": ["--rounds=1"],
    "unchanged": ["--model=lite", "--people=1", "--noises", "4"],
    "throughput": ["--model=lite", "--seconds=0.6", "--singles=4", "--threads=1"],
}


SCRIPTS = {
    path.stem
    for path in (ROOT / "benchmarks").glob("*.py")
    if "ArgumentParser(" in path.read_text()
}


def test_every_benchmark_is_run_here():
    assert {name.split()[0] for name in SMALLEST} | BY_OTHER_TESTS >= SCRIPTS


@pytest.mark.parametrize(
    "name", [each for each in SMALLEST if each.split()[0] in SCRIPTS]
)
def test_a_benchmark_gives_its_figures(name):
    script, *what = name.split()
    if script == "scaler_calls" and not shutil.which("go"):
        pytest.skip("go is not installed: the caller is built with it")
    if script == "cluster_watch" and not binaries():
        pytest.skip("the control plane is not built: make test-cluster (needs Go)")
    command = [sys.executable, "-m", f"benchmarks.{script}", *what]
    # They also measure with a disk; there it costs a second for each database.
    memory = {"TMPDIR": folder} if (folder := memory_folder()) else {}
    done = subprocess.run(
        [*command, *SMALLEST[name], "--json"],
        cwd=ROOT,
        env=os.environ | memory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
