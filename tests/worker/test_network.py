"""The worker contacts its broker and its database, and nobody else.

It runs in a network where every packet is seen, look-ups of names included. The other
tests here show that one would be.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import IMAGES
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import wait_until
from tests.fixtures.netns import own_network, why_not
from tests.fixtures.postgres import running_postgres
from tests.fixtures.worker import ROOT, WorkerProcess
from tests.worker.conftest import ALL, payload
from tests.worker.test_poison import POISONED, poison

MEDIAPIPES = "drishti"  # what it calls its threads


@pytest.fixture(scope="module")
def _networks():
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture
def network(_networks):
    with own_network() as witness:
        yield witness


@pytest.fixture
def surroundings(network, tmp_path):
    """Broker, database and what starts workers, all in that network."""
    workers = []
    with (
        running_mosquitto(tmp_path / "broker") as broker,
        running_postgres() as database,
    ):

        def start(**environ):
            settings = broker.environ | database.environ | environ
            workers.append(WorkerProcess(tmp_path / "worker", settings))
            return workers[-1]

        yield broker, database, start
        for each in workers:
            each.end()
            print(each.log)


def test_the_worker_contacts_its_broker_and_its_database_and_nobody_else(
    network, surroundings
):
    broker, database, start = surroundings
    worker = start(**POISONED)
    worker.wait_ready()
    # A crash, so that the process for suspect pictures is looked at too.
    broker.publish("images/pi1", poison(b"SEGFAULT"), *map(payload, ALL), b"bad")
    worker.wait()
    worker = start(**POISONED)
    wait_until(lambda: len(database.rows()) == len(ALL), "all rows", 60)
    assert worker.stop() == 0

    assert network.others(broker.port, database.port) == set()
    assert network.missed() == 0
    # It did see those two.
    seen = {port for each in network.contacts for port in each.ports}
    assert {broker.port, database.port} <= seen


def test_a_worker_that_contacts_somebody_else_is_noticed(
    network, surroundings, tmp_path
):
    broker, database, start = surroundings
    (tmp_path / "usercustomize.py").write_text("")
    (tmp_path / "sitecustomize.py").write_text(
        "import socket, threading\n"
        "threading.Thread(target=socket.gethostbyname, args=('spy.example',),"
        " daemon=True).start()\n"
    )
    worker = start(PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    worker.wait_ready()
    wait_until(lambda: network.others(broker.port, database.port), "it is noticed")
    assert "spy.example" in {each.words for each in network.contacts}


MEDIAPIPE = """
import sys
from pathlib import Path
from pathlib import Path
import numpy
from posture.vision.landmarks import Landmarker
from posture.worker.seccomp import go_offline
if sys.argv[2:]:
    assert go_offline()
landmarker = Landmarker(Path(sys.argv[1]))
landmarker.find(numpy.zeros((480, 640, 3), numpy.uint8))
landmarker.close()
"""


def _run(program, *arguments):
    subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize("kept_offline", [True, False])
def test_mediapipe_asks_for_its_makers_host_unless_it_is_kept_offline(
    network, kept_offline
):
    # At its close: the one report that need not be waited for.
    model = str(ROOT / "models" / "pose_landmarker_lite.task")
    _run(MEDIAPIPE, model, *(["offline"] if kept_offline else []))
    if not kept_offline:
        wait_until(lambda: network.contacts, "it is noticed")
    asked = {each.words for each in network.contacts}
    assert asked == (set() if kept_offline else {"play.googleapis.com"})


def test_commands_that_look_at_pictures_contact_nobody_else(surroundings, network):
    broker, database, _ = surroundings
    environ = broker.environ | database.environ | {"MODEL": "lite"}
    for words in (["view", str(IMAGES / "good_1280_000.jpg")], ["check"]):
        subprocess.run(
            [sys.executable, ROOT / "mqtt_posture_analyzer_with_db.py", *words],
            cwd=broker.folder,
            env={"PATH": os.environ["PATH"], "MODELS_FOLDER": str(ROOT / "models")}
            | environ,
            stdout=subprocess.DEVNULL,
            timeout=120,
            check=True,
        )
    assert network.others(broker.port, database.port) == set()


OFFLINE = """
import socket, threading
from posture.worker.seccomp import go_offline
refused = []

def attempt():
    for family in (socket.AF_INET, socket.AF_INET6):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                socket.socket(family, kind)
            except PermissionError:
                refused.append(kind)

def offline():
    assert go_offline() and go_offline()
    attempt()
    within = threading.Thread(target=attempt)
    within.start()
    within.join()
    socket.socketpair()

thread = threading.Thread(target=offline)
thread.start()
thread.join()
assert len(refused) == 8, refused
socket.socket().close()
"""


def test_a_thread_that_went_offline_takes_along_what_it_starts_and_no_other(network):
    _run(OFFLINE)
    assert network.contacts == set()


WAYS = {
    "TCP": "socket.socket().connect_ex(('198.51.100.7', 443))",
    "TCP over IPv6": (
        "socket.socket(socket.AF_INET6).connect_ex(('2001:db8:7::1', 443))"
    ),
    "UDP": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.7', 9))",
    "a server of names on this machine": (
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.53', 53))"
    ),
    "another port of this machine": "socket.socket().connect_ex(('127.0.0.1', 443))",
    "a name": "socket.gethostbyname('spy.example')",
    "ping": "socket.socket(type=socket.SOCK_RAW, proto=1).sendto("
    "bytes([8, 0, 0xf7, 0xff, 0, 0, 0, 0]), ('198.51.100.7', 0))",
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_out_would_be_noticed(network, way):
    process = subprocess.Popen(
        [sys.executable, "-c", f"import socket\n{way}"], stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: network.others(1883, 5432), way)
    finally:
        process.kill()
        process.wait()


def test_the_threads_that_mediapipe_starts_in_the_worker_are_offline(
    broker, postgres, start_worker, wait_for_rows
):
    worker = start_worker(THREADS="2")
    broker.publish("images/pi1", *map(payload, ALL))
    wait_for_rows(postgres, len(ALL))
    kept_offline = {"python": 0, MEDIAPIPES: 0}
    for task in Path(f"/proc/{worker.process.pid}/task").iterdir():
        filtered = "Seccomp:\t2" in (task / "status").read_text()
        name = (task / "comm").read_text().strip()
        if name == MEDIAPIPES:
            assert filtered
        kept_offline[name] = kept_offline.get(name, 0) + filtered
    assert kept_offline[MEDIAPIPES] >= 2
    assert sum(kept_offline.values()) >= 6  # both analysts, and others of MediaPipe's
