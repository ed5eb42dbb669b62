"""What the agent tells, look by look, by a clock that the test holds."""

import math

import pytest

from node_agent.agent import Agent, gpu_sources
from node_agent.errors import ReadingError
from node_agent.exposition import render
from node_agent.meter import Meter
from node_agent.settings import AgentSettings
from tests.fixtures.boards import nano, orin_6, orin_7, pc, thor, write, xavier_nx
from tests.fixtures.scrape import parse
from tests.fixtures.settings import settings_from


class Watched:
    """An agent on one board."""

    def __init__(self, board, **environ):
        self.board = board
        self.now = 1000.0
        told = {"NODE_NAME": "n", "AGENT_WINDOW": "15"} | board.environ | environ
        self.agent = Agent(settings_from(AgentSettings, told), clock=lambda: self.now)

    def look(self, times=1, seconds=1.0):
        for _ in range(times):
            self.now += seconds
            self.agent.look()

    def told(self):
        return parse(render(self.agent.tell(), "n"))

    def gpu(self):
        ((series, value),) = self._of("posture_node_gpu_load_percent")
        return series, value

    def reasons(self, reading="gpu"):
        return [
            series
            for series, _ in self._of("posture_node_reading_problem")
            if f'reading="{reading}"' in series
        ]

    def _of(self, name):
        return [each for each in self.told().items() if each[0].startswith(name)]


def test_a_load_is_the_mean_of_the_window_and_not_the_last_look(tmp_path):
    watched = Watched(nano(tmp_path))
    for load in (0, 1000) * 10:
        watched.board.tell(load)
        watched.look()
    series, value = watched.gpu()
    assert value == pytest.approx(50, abs=5)
    assert series == ('posture_node_gpu_load_percent{node="n",source="57000000.gpu"}')
    watched.board.tell(0)
    watched.look(times=15)
    assert watched.gpu()[1] == 0


def test_every_reading_has_its_age_and_its_errors(tmp_path):
    watched = Watched(nano(tmp_path))
    watched.look()
    watched.now += 4
    told = watched.told()
    labels = 'node="n",reading="gpu",source="57000000.gpu"'
    assert told[f"posture_node_reading_age_seconds{{{labels}}}"] == 4
    assert told[f"posture_node_reading_errors_total{{{labels}}}"] == 0
    watched.board.tell("?")
    watched.look(times=2)
    told = watched.told()
    assert told[f"posture_node_reading_age_seconds{{{labels}}}"] == 6
    assert told[f"posture_node_reading_errors_total{{{labels}}}"] == 2


def test_cpu_memory_and_temperature_are_told(tmp_path):
    watched = Watched(nano(tmp_path))
    for busy, idle in ((30, 70), (60, 140)):
        watched.board.cpu(busy, idle)
        watched.look()
    told = watched.told()
    assert told['posture_node_cpu_load_percent{node="n"}'] == pytest.approx(30)
    assert told['posture_node_memory_load_percent{node="n"}'] == pytest.approx(75)
    zone = 'posture_node_temperature_celsius{node="n",zone="GPU-therm"}'
    assert told[zone] == 43.5
    assert 'board="NVIDIA Jetson Nano Developer Kit"' in render(
        watched.agent.tell(), "n"
    )


def test_a_zone_that_sleeps_is_left_out(tmp_path):
    watched = Watched(orin_6(tmp_path))
    watched.look()
    assert not [s for s in watched.told() if "temperature_celsius" in s]


@pytest.mark.parametrize(("make", "version"), [(xavier_nx, 1), (orin_6, 2)])
def test_the_version_of_control_groups_is_told(tmp_path, make, version):
    told = Watched(make(tmp_path)).told()
    assert told['posture_node_cgroup_version{node="n"}'] == version


def test_modules_of_the_kernel_are_told(tmp_path):
    watched = Watched(orin_6(tmp_path))
    (watched.board.sys / "module/ip_set").mkdir(parents=True)
    told = watched.told()
    assert told['posture_node_kernel_module{module="ip_set",node="n"}'] == 1
    assert told['posture_node_kernel_module{module="xt_set",node="n"}'] == 0


@pytest.mark.parametrize("make", [thor, pc])
def test_a_node_without_a_load_has_nan_and_the_reason_and_never_0(tmp_path, make):
    watched = Watched(make(tmp_path))
    watched.look(times=20)
    series, value = watched.gpu()
    assert math.isnan(value)
    assert 'source="none"' in series
    (reason,) = watched.reasons()
    assert "no load file in /sys, and no libnvidia-ml.so.1" in reason


def test_a_failure_is_nan_at_once_and_over_with_the_next_look(tmp_path):
    watched = Watched(xavier_nx(tmp_path))
    watched.board.tell(0)
    watched.look(times=10)
    watched.board.load_file.unlink()
    watched.look()
    assert math.isnan(watched.gpu()[1])
    assert "No such file" in watched.reasons()[0]
    watched.board.tell(700)
    watched.look()
    assert watched.gpu()[1] == 70
    assert watched.reasons() == []


def test_a_file_that_comes_late_is_read_from_then_on(tmp_path):
    watched = Watched(orin_7(tmp_path))
    watched.look(times=10)
    assert math.isnan(watched.gpu()[1])
    watched.board.tell(250)
    watched.look(times=16)
    assert watched.gpu()[1] == 25
    assert watched.reasons() == []


def test_a_reading_that_hangs_is_nan(tmp_path):
    watched = Watched(nano(tmp_path))
    watched.look()
    watched.now += 16
    assert math.isnan(watched.gpu()[1])
    assert 'reason="reading it hangs"' in watched.reasons()[0]
    assert watched.agent.trouble() is None
    watched.now += 2
    assert "not been looked at" in watched.agent.trouble()


def test_no_reason_has_a_figure_that_changes():
    class Fails:
        name = "x"

        def read(self):
            raise ReadingError("so it is")

    meter = Meter(Fails(), 15, 0)
    told = set()
    for now in range(100):
        meter.look(now)
        told.add(meter.problem(now))
    assert told == {"so it is"}


@pytest.mark.parametrize(
    "text", ["", "cpu", "cpu 1 2", "cpu a b c d e f g h", "intr 1 2 3 4 5 6 7 8"]
)
def test_a_stat_that_is_none_is_no_load(tmp_path, text):
    watched = Watched(nano(tmp_path))
    write(watched.board.proc / "stat", text)
    watched.look()
    assert math.isnan(watched.told()['posture_node_cpu_load_percent{node="n"}'])
    assert watched.reasons("cpu")


def test_a_cpu_whose_ticks_go_back_is_unknown(tmp_path):
    watched = Watched(nano(tmp_path))
    watched.board.cpu(500, 500)
    watched.look()
    watched.board.cpu(100, 1000)
    watched.look()
    assert "stands still" in watched.reasons("cpu")[0]


def test_names_are_written_so_that_prometheus_can_read_them(tmp_path):
    board = nano(tmp_path)
    write(board.sys / "class/thermal/thermal_zone0/type", 'a "b" \\ c\nd')
    watched = Watched(board)
    assert [s for s in watched.told() if "temperature" in s]


def test_sysfs_comes_before_nvml(tmp_path):
    settings = settings_from(AgentSettings, orin_6(tmp_path).environ)
    (source,) = gpu_sources(settings)
    assert source.name == "17000000.gpu"
