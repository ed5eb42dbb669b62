"""patch_scaledjob.py as a user runs it."""

import difflib
import shutil

import pytest
import yaml

from kube import scaledjobs
from tests.fixtures.control_plane import ROOT
from tests.fixtures.net import free_port
from tests.fixtures.scene import NAME
from tests.fixtures.scripts import run_script

SCRIPT = "patch_scaledjob.py"


@pytest.fixture
def folder(tmp_path):
    """A folder with the base manifest."""
    shutil.copy(ROOT / "posture-job.yaml", tmp_path)
    return tmp_path


def test_a_named_node_needs_neither_prometheus_nor_a_cluster(folder):
    done = run_script(SCRIPT, "--node", "jetson1", folder=folder)
    assert done.returncode == 0, done.stderr
    patched = scaledjobs.read_manifest(folder / "patched-job.yaml")
    assert scaledjobs.pinned_node(patched) == "jetson1"


def test_the_same_node_gives_the_same_file_also_from_the_patched_one(folder):
    run_script(SCRIPT, "--node", "jetson1", folder=folder)
    once = (folder / "patched-job.yaml").read_text()
    flags = ("--node", "jetson1", "--input", "patched-job.yaml", "--output", "x.yaml")
    run_script(SCRIPT, *flags, folder=folder)
    assert (folder / "x.yaml").read_text() == once
    base = (folder / "posture-job.yaml").read_text()
    changed = difflib.unified_diff(base.splitlines(), once.splitlines(), n=0)
    assert not [each for each in changed if each[0] == "-" and each[:3] != "---"]


@pytest.mark.parametrize("flags", [["--dry-run"], ["--output", "-"]])
def test_a_dry_run_prints_the_manifest_and_writes_nothing(folder, flags):
    before = sorted(folder.iterdir())
    done = run_script(SCRIPT, "--node", "jetson1", *flags, folder=folder)
    assert done.returncode == 0
    assert scaledjobs.pinned_node(yaml.safe_load(done.stdout)) == "jetson1"
    assert sorted(folder.iterdir()) == before


def test_the_least_loaded_node_is_taken_and_the_result_can_be_applied(scene, folder):
    scene.load(80, 20)
    done = run_script(SCRIPT, "--show-loads", folder=folder, **scene.environ)
    assert done.returncode == 0, done.stderr
    patched = folder / "patched-job.yaml"
    assert scaledjobs.pinned_node(scaledjobs.read_manifest(patched)) == scene.b
    assert f"->  {scene.b}  20.0 %" in done.stderr
    assert "80.0 %" in done.stderr
    scene.plane.apply(patched.read_text(), namespace=scene.namespace)
    assert scene.pinned() == scene.b
    assert scene.node_of(scene.start_job()) == scene.b


def test_without_an_eligible_node_nothing_is_written_and_the_reasons_are_said(
    scene, folder
):
    scene.plane.cordon(scene.a)
    scene.load(10, None)
    done = run_script(SCRIPT, folder=folder, **scene.environ)
    assert done.returncode == 3
    assert f"{scene.a} (cordoned)" in done.stderr
    assert f"{scene.b} (load unknown" in done.stderr
    assert not (folder / "patched-job.yaml").exists()


WRONG = {
    "a node that is no DNS name": (["--node", "Jetson_1"], {}, 2, "--node is"),
    "a node that a label cannot hold": (["--node", "n" * 64], {}, 2, "at most 63"),
    "an empty node": (["--node", ""], {}, 2, "--node is ''"),
    "several settings": (
        ["--margin", "101"],
        {"HOLD": "soon", "PROMETHEUS_URL": "localhost"},
        2,
        "MARGIN (--margin) is '101'",
    ),
    "no cluster": ([], {"KUBECONFIG": "/nowhere"}, 1, "no cluster"),
    "no manifest": (["--node", "n", "--input", "none.yaml"], {}, 1, "none.yaml"),
    "no manifest but a Secret": (
        ["--node", "n", "--input", str(ROOT / "deploy" / "secret.example.yaml")],
        {},
        1,
        "expected a ScaledJob, found Secret",
    ),
    "a folder that is none": (
        ["--node", "n", "--output", "posture-job.yaml/x"],
        {},
        1,
        "cannot write",
    ),
}


@pytest.mark.parametrize(
    ("flags", "environ", "code", "words"), WRONG.values(), ids=WRONG
)
def test_bad_input_is_one_clear_line_and_writes_nothing(
    folder, flags, environ, code, words
):
    before = sorted(folder.iterdir())
    done = run_script(SCRIPT, *flags, folder=folder, **environ)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.iterdir()) == before


def test_all_wrong_settings_are_told_at_once(folder):
    done = run_script(SCRIPT, folder=folder, HOLD="soon", PROMETHEUS_URL="localhost")
    assert "HOLD" in done.stderr
    assert "PROMETHEUS_URL" in done.stderr


def test_a_manifest_that_contradicts_is_refused(folder):
    base = scaledjobs.read_manifest(folder / "posture-job.yaml")
    scaledjobs.pod_spec(base)["nodeSelector"] = {"kubernetes.io/hostname": "jetson2"}
    (folder / "posture-job.yaml").write_text(scaledjobs.dump(base))
    done = run_script(SCRIPT, "--node", "jetson1", folder=folder)
    assert done.returncode == 1
    assert "nodeSelector wants kubernetes.io/hostname=jetson2" in done.stderr
    assert not (folder / "patched-job.yaml").exists()


def test_prometheus_away_is_said_and_nothing_is_written(scene, folder):
    away = {"PROMETHEUS_URL": f"http://127.0.0.1:{free_port()}"}
    done = run_script(SCRIPT, folder=folder, **(scene.environ | away))
    assert done.returncode == 1
    assert "refused" in done.stderr
    assert not (folder / "patched-job.yaml").exists()
    assert NAME not in done.stdout
