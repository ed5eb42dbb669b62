"""Each analyst has a core, and gives it up where others want it."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from posture.vision import cpu_affinity
from posture.vision.cpu_affinity import Place, a_core_for_each
from tests.fixtures.reaper import ends_with_us

CORES = sorted(os.sched_getaffinity(0))
BUSY = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass\n"


def in_a_thread(work):
    """What `work` gives, in a thread of its own, as the core stays with the thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.fixture
def four_cores(monkeypatch, tmp_path):
    """Two physical cores: 0 and 1 are one of them, 2 and 3 the other."""
    for core, siblings in enumerate(("0-1", "0-1", "2-3", "2-3")):
        (tmp_path / str(core)).write_text(siblings)
    monkeypatch.setattr(cpu_affinity, "_SIBLINGS", str(tmp_path / "{}"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})


@pytest.mark.parametrize(
    ("analysts", "start", "cores"),
    [
        (1, 0, [0]),
        (2, 0, [0, 2]),
        (2, 1, [2, 1]),
        (4, 3, [0, 2, 1, 3]),
        (6, 0, [0, 2, 1, 3, 0, 2]),
    ],
)
def test_physical_cores_first_and_all_in_turn(four_cores, analysts, start, cores):
    assert a_core_for_each(analysts, start) == cores


def test_where_nothing_is_known_of_physical_cores_all_count(monkeypatch):
    monkeypatch.setattr(cpu_affinity, "_SIBLINGS", "/nowhere/{}")
    assert a_core_for_each(len(CORES)) == CORES


@pytest.mark.parametrize(
    ("waited", "idle", "free"),
    [
        (300, 8.0, False),
        (700, 8.0, True),
        (700, 2.0, False),  # all cores are busy: nowhere is better
        (0, 10.0, False),
    ],
)
def test_a_thread_leaves_a_crowded_core_while_another_is_idle(
    monkeypatch, waited, idle, free
):
    told = iter([(1000, 50), (2000, 50 + waited)])
    rested = iter([{3: 0.5, 4: 100.0}, {3: 0.5, 4: 100.0 + idle}])
    later = iter([10.0, 20.0])
    monkeypatch.setattr(cpu_affinity.time, "monotonic", lambda: next(later))
    monkeypatch.setattr(cpu_affinity, "_run_and_waited", lambda: next(told))
    monkeypatch.setattr(cpu_affinity, "_idle_seconds", lambda: next(rested))
    monkeypatch.setattr(cpu_affinity, "_leave", lambda core: [])

    def looks() -> list[bool]:
        place = Place(3)
        return [place.look(), place.look()]

    assert in_a_thread(looks) == [False, free]


def test_a_kernel_that_does_not_count_leaves_all_as_it_is(monkeypatch):
    monkeypatch.setattr(cpu_affinity, "_run_and_waited", lambda: (0, 0))
    monkeypatch.setattr(cpu_affinity, "_LOOK", 0.0)

    def looks() -> list[bool]:
        place = Place(3)
        return [place.look() for _ in range(5)]

    assert not any(in_a_thread(looks))


def test_it_is_known_how_long_each_core_was_idle():
    idle = cpu_affinity._idle_seconds()
    assert sorted(idle) == CORES
    assert all(seconds > 0 for seconds in idle.values())


@pytest.mark.skipif(len(CORES) == 1, reason="there is but one core")
def test_threads_use_any_core_for_a_picture_alone_and_their_own_among_others():
    ends = threading.Event()

    def analyst() -> list[list[set[int]]]:
        place = Place(CORES[0])
        native = threading.Thread(target=ends.wait)  # as MediaPipe's: begun on the core
        native.start()
        seen = []
        for alone in (True, True, False, False, True):
            place.choose(alone=alone)
            seen.append([os.sched_getaffinity(each) for each in (0, native.native_id)])
        ends.set()
        native.join()
        return seen

    own, every = [{CORES[0]}] * 2, [set(CORES)] * 2
    assert in_a_thread(analyst) == [every, every, own, own, every]


def test_without_a_core_of_its_own_a_thread_stays_as_it_is():
    def analyst() -> set[int]:
        place = Place(None)
        place.choose(alone=False)
        return os.sched_getaffinity(0)

    assert in_a_thread(analyst) == set(CORES)


@pytest.mark.skipif(len(CORES) == 1, reason="there is but one core")
def test_threads_on_a_core_that_another_process_wants_go_free(monkeypatch):
    monkeypatch.setattr(cpu_affinity, "_LOOK", 0.2)
    monkeypatch.setattr(cpu_affinity, "_IDLE", -1.0)  # other tests may need them all
    freed = []

    def analyst() -> None:
        place = Place(CORES[0])
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if place.look():
                freed.append(os.sched_getaffinity(0))
                return

    neighbours = [
        subprocess.Popen([sys.executable, "-c", BUSY, str(CORES[0])]) for _ in range(2)
    ]
    for each in neighbours:
        ends_with_us(each.pid)
    try:
        thread = threading.Thread(target=analyst)
        thread.start()
        thread.join()
    finally:
        for each in neighbours:
            each.kill()
            each.wait()
    assert freed == [set(CORES)]
