"""Where each board tells its GPU's load."""

import pytest

from node_agent.errors import ReadingError
from node_agent.gpu import load_files
from node_agent.nvml import nvml_gpus
from tests.fixtures.boards import WITH_LOAD, WITHOUT_LOAD, orin_7, pc, xavier_nx


@pytest.mark.parametrize("make", WITH_LOAD.values(), ids=WITH_LOAD)
def test_the_load_of_each_board_is_read_per_mille_and_once(tmp_path, make):
    board = make(tmp_path)
    board.tell(635)
    (file,) = load_files(board.sys)
    assert file.read() == 63.5


@pytest.mark.parametrize("make", WITHOUT_LOAD.values(), ids=WITHOUT_LOAD)
def test_another_devices_load_is_not_taken_for_the_gpus(tmp_path, make):
    assert load_files(make(tmp_path).sys) == []


def test_a_file_that_comes_late_is_found_then(tmp_path):
    board = orin_7(tmp_path)
    assert load_files(board.sys) == []
    board.tell(20)
    assert [each.read() for each in load_files(board.sys)] == [2.0]


@pytest.mark.parametrize("text", ["", "busy", "-1", "1001", "1e2", "\x00"])
def test_what_is_no_load_is_no_number(tmp_path, text):
    board = xavier_nx(tmp_path)
    board.tell(text)
    (file,) = load_files(board.sys)
    with pytest.raises(ReadingError, match=r"no whole number|not 0 to 1000"):
        file.read()


def test_a_file_that_cannot_be_read_is_told_with_the_reason(tmp_path):
    board = xavier_nx(tmp_path)
    (file,) = load_files(board.sys)
    board.load_file.unlink()
    board.load_file.mkdir()  # root may read everything else
    with pytest.raises(ReadingError, match="Is a directory"):
        file.read()


def test_a_node_without_sys_has_no_gpu(tmp_path):
    assert load_files(tmp_path / "none") == []
    assert load_files(pc(tmp_path).sys / "class") == []


def test_without_the_drivers_library_nvml_says_so():
    with pytest.raises(ReadingError, match=r"no libnvidia-ml\.so\.1"):
        nvml_gpus()
