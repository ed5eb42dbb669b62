import struct
import zipfile

import cv2
import pytest

from posture.vision.bundle import DETECTOR, LANDMARKS, write_bundle
from posture.vision.import_stubs import only_vision
from posture.vision.landmarks import Landmarker
from tests.conftest import IMAGES
from tests.fixtures.disk import little_room
from tests.fixtures.models import ORIGINAL
from tests.fixtures.worker import ROOT

LITE = ROOT / "models" / "pose_landmarker_lite.task"


def networks_of(bundle):
    with zipfile.ZipFile(bundle) as opened:
        return {name: opened.read(name) for name in (DETECTOR, LANDMARKS)}


def test_without_the_mask_the_landmarks_stay_the_same_to_the_last_bit(tmp_path):
    assert ORIGINAL.exists(), "bring it: python -m tests.fixtures.cache"
    ours = tmp_path / "ours.task"
    write_bundle(ours, networks_of(ORIGINAL))
    assert ours.stat().st_size < ORIGINAL.stat().st_size
    with_mask, without = Landmarker(ORIGINAL), Landmarker(ours)

    for path in sorted(IMAGES.glob("*.jpg"))[::2]:
        image = cv2.imread(str(path))
        assert without.find(image) == with_mask.find(image)

    with_mask.close()
    without.close()


def test_five_results_are_read_by_nobody_in_the_network(tmp_path):
    # What the GPU delegate takes for its outputs; the graph around it asks for five.
    write_bundle(tmp_path / "model.task", networks_of(LITE))
    network = networks_of(tmp_path / "model.task")[LANDMARKS]
    with only_vision():
        from mediapipe.tasks.metadata import schema_py_generated as schema
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(network, 0))
    graph = model.subgraphs[0]
    made = {int(out) for op in graph.operators for out in op.outputs}
    read = {int(each) for op in graph.operators for each in op.inputs}
    assert made - read == set(map(int, graph.outputs))
    assert len(made - read) == 5


def test_the_same_networks_always_give_the_same_file(tmp_path):
    for name in ("a", "b"):
        write_bundle(tmp_path / name / "model.task", networks_of(LITE))

    first, second = (tmp_path / name / "model.task" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert len(list(first.parent.iterdir())) == 1


def test_a_network_that_is_none_leaves_nothing_behind(tmp_path):
    with pytest.raises(struct.error, match="requires a buffer"):
        write_bundle(tmp_path / "model.task", networks_of(LITE) | {LANDMARKS: b"no"})

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    with little_room(1 << 20), pytest.raises(OSError):
        write_bundle(tmp_path / "model.task", networks_of(LITE))

    assert list(tmp_path.iterdir()) == []
