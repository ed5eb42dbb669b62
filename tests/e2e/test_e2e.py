"""`make e2e`, its short form; and what it says when it cannot begin."""

import itertools
import os
import re
import signal
import sys

import psutil
import pytest

from tests.e2e import plan
from tests.e2e.__main__ import main
from tests.e2e.scenes import SCENES
from tests.fixtures.control_plane import binaries
from tests.fixtures.make import make
from tests.fixtures.net import PATIENCE, wait_until
from tests.fixtures.scripts import ROOT, Started

SHORT = "life scaler-killed uninstall"
needs_cluster = pytest.mark.skipif(
    not binaries(), reason="no control plane is built: make test-cluster (needs Go)"
)


@pytest.mark.cluster
@needs_cluster
def test_pictures_wake_a_worker_where_the_agents_say_and_none_is_lost():
    done = make("e2e", f"SCENES={SHORT}")

    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert done.stdout.endswith("nothing lost, nothing doubled\n")
    assert re.search(r"chose (jetson-\d) at 30 % before jetson-\d at 85 %", done.stdout)
    assert "no poll refused" in done.stdout
    assert "nothing left" in done.stdout
    counted = dict(re.findall(r"^(\w[\w ]+?)  +(\d+)", done.stdout, re.M))
    assert int(counted["rows"]) == int(counted["pictures published"]) >= 20
    assert counted["lost"] == counted["doubled"] == "0"
    assert counted["workers at once"] == "1"


@pytest.mark.cluster
@needs_cluster
def test_a_signal_ends_all_that_was_started():
    run = Started(
        [sys.executable, "-W", "ignore", "-m", "tests.e2e"], ROOT, dict(os.environ)
    )
    run.wait_for("control plane, broker and database", 120)
    started = psutil.Process(run.process.pid).children(recursive=True)
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(60 * PATIENCE) == 128 + signal.SIGTERM
    assert len(started) > 5
    wait_until(lambda: not any(map(psutil.Process.is_running, started)), "the end")


def test_a_plan_is_the_same_for_a_seed_and_has_every_scene():
    first, again, other = (
        list(itertools.islice(plan.draw(seed, [*SCENES]), len(SCENES)))
        for seed in (7, 7, 8)
    )
    assert first == again != other
    assert {step.scene for step in first} == {*SCENES}
    assert all(6 <= step.hold <= 12 for step in first)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"KEDA_BIN": "/bin/true"}, "KEDA_BIN and KEDA_CRDS belong together"),
        ({"KEDA_BIN": "/bin/true", "KEDA_CRDS": "/none"}, "there is no /none"),
        ({"KUBEBUILDER_ASSETS": "/none"}, "the control plane is not built"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_started(
    environ, words, monkeypatch, capsys
):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main([]) == 2
    assert words in capsys.readouterr().err


def test_its_help_tells_every_scene(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(f"  {name} " in told for name in SCENES)
