"""Limits of control groups, as both versions of Linux' interface tell them."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from common.cgroup import ROOT, cpu_limit, memory_left
from tests.fixtures.worker import ROOT as CHECKOUT

MB = 1 << 20


@pytest.fixture
def system(tmp_path):
    """Files by their names below the root, and the lines of /proc/self/cgroup."""

    def made(files, membership="0::/\n"):
        for name, text in files.items():
            path = tmp_path / "fs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "self").write_text(membership)
        return tmp_path / "fs", tmp_path / "self"

    return made


@pytest.mark.parametrize(
    ("quota", "cores"),
    [
        pytest.param("max 100000\n", None, id="no limit"),
        pytest.param("100000 100000\n", 1, id="one core"),
        pytest.param("20000 100000\n", 0.2, id="a fifth of a core"),
        pytest.param("", None, id="not understood"),
    ],
)
def test_a_containers_own_group(system, quota, cores):
    assert cpu_limit(*system({"cpu.max": quota})) == cores


def test_a_machine_without_control_groups(tmp_path):
    assert cpu_limit(tmp_path / "none", tmp_path / "nor this") is None
    assert memory_left(tmp_path / "none", tmp_path / "nor this") is None


def test_the_least_of_the_own_group_and_of_those_above_counts(system):
    unit = "system.slice/worker.service"
    files = {
        f"{unit}/cpu.max": "400000 100000",
        "system.slice/cpu.max": "150000 100000",
        f"{unit}/memory.max": str(500 * MB),
        f"{unit}/memory.current": str(300 * MB),
        f"{unit}/memory.stat": f"anon 1\ninactive_file {20 * MB}\n",
        "system.slice/memory.max": "max",
    }
    where = system(files, f"0::/{unit}\n")
    assert cpu_limit(*where) == 1.5
    assert memory_left(*where) == 220 * MB


def first_version(cpu, memory):
    return {
        f"{cpu}/cpu.cfs_quota_us": "50000",
        f"{cpu}/cpu.cfs_period_us": "100000",
        f"{memory}/memory.limit_in_bytes": str(400 * MB),
        f"{memory}/memory.usage_in_bytes": str(100 * MB),
        f"{memory}/memory.stat": "inactive_file 1\ntotal_inactive_file 5\n",
    }


@pytest.mark.parametrize(
    ("cpu", "memory"),
    [
        pytest.param("cpu,cpuacct/pod/one", "memory/pod/one", id="seen by its name"),
        pytest.param("cpu,cpuacct", "memory", id="a name that only the host sees"),
    ],
)
def test_version_one(system, cpu, memory):
    lines = "5:memory:/pod/one\n2:cpu,cpuacct:/pod/one\n0::/pod/one\n"
    where = system(first_version(cpu, memory), lines)
    assert cpu_limit(*where) == 0.5
    assert memory_left(*where) == 300 * MB + 5


def test_version_one_without_limits(system):
    files = first_version("cpu", "memory") | {
        "cpu/cpu.cfs_quota_us": "-1",
        "memory/memory.limit_in_bytes": "9223372036854771712",
    }
    where = system(files, "4:memory:/\n1:cpu:/\n")
    assert cpu_limit(*where) is None
    assert memory_left(*where) is None


@pytest.fixture
def half_a_core():
    """A real group whose processes may use half of a core."""
    first = (ROOT / "cpu" / "cpu.cfs_quota_us").exists()
    group = (ROOT / "cpu" if first else ROOT) / f"posture-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    quota, text = ("cpu.cfs_quota_us", "50000") if first else ("cpu.max", "50000")
    try:
        (group / quota).write_text(text)
        yield group
    except OSError as error:
        pytest.skip(f"no limit can be set here: {error}")
    finally:
        with suppress(OSError):
            group.rmdir()


def test_a_limit_of_the_kernel_is_seen_by_who_has_it(half_a_core: Path):
    program = (
        "import os, sys\n"
        "open(sys.argv[1] + '/cgroup.procs', 'w').write(str(os.getpid()))\n"
        "from common.cgroup import cpu_limit\n"
        "print(cpu_limit())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(half_a_core)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0.5\n"
