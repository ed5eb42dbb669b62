"""Two scalers behind one name, asked by KEDA's own gRPC library."""

import shutil
import signal
import subprocess
import sys
import threading

import pytest

import externalscaler_pb2 as pb
from tests.fixtures.net import accepts, free_port, wait_until
from tests.fixtures.reaper import ends_with_us
from tests.fixtures.scaler import reference
from tests.fixtures.worker import ROOT

pytestmark = pytest.mark.skipif(
    not shutil.which("go"), reason="make test-cluster (needs Go)"
)
CALLER = ROOT / "benchmarks" / "keda_client"
EVERY = 100  # milliseconds between two polls
SERVE = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # before any thread
from tests.fixtures.scaler import served_scaler
with served_scaler(port=int(sys.argv[1]), grace=1.0):
    signal.sigwait([signal.SIGTERM])
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("keda") / "poll"
    subprocess.run(["go", "build", "-o", path, "./poll"], cwd=CALLER, check=True)
    return path


class Scaler:
    """The scaler's server, as a process of its own."""

    def __init__(self):
        self.port = free_port()
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(self.port)],
            cwd=ROOT,
        )
        ends_with_us(self.process.pid)
        wait_until(lambda: accepts(self.port), "it listens", 60)

    def end(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait(20)


class Keda:
    """Polls, and what came of each."""

    def __init__(self, program, *scalers):
        request = pb.GetMetricsRequest(scaledObjectRef=reference())
        self.polls = []
        self._process = subprocess.Popen(
            [
                program,
                str(EVERY),
                request.SerializeToString().hex(),
                *(f"127.0.0.1:{each.port}" for each in scalers),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ends_with_us(self._process.pid)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            took, _, said = line.strip().partition(" ")
            self.polls.append((int(took), said))

    def wait_for_more(self, count=20):
        """Wait for so many polls from now on; gives those."""
        begun = len(self.polls)
        wait_until(lambda: len(self.polls) >= begun + count, "polls", 60)
        return self.polls[begun:]

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)
        self._reader.join(5)
        self._process.stdout.close()


@pytest.fixture
def pair(program):
    scalers = [Scaler(), Scaler()]
    keda = Keda(program, *scalers)
    try:
        keda.wait_for_more()
        yield keda, *scalers
    finally:
        keda.close()
        for each in scalers:
            if each.process.poll() is None:
                each.end()


def missed(polls):
    """Those that got no answer."""
    return [said for _, said in polls if said != "ok"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_one_is_gone_no_poll_is_missed(pair, number):
    keda, first, _ = pair
    before = len(keda.polls)
    first.end(number)
    keda.wait_for_more()
    first.start()
    keda.wait_for_more()
    polls = keda.polls[before:]
    assert missed(polls) == []
    print(f"the longest of {len(polls)} polls took {max(polls)[0]} ms")


def test_when_both_are_gone_keda_is_told_and_finds_one_that_comes_back(pair):
    keda, first, second = pair
    first.end()
    second.end()
    assert any("connection refused" in each for each in missed(keda.wait_for_more()))
    second.start()
    wait_until(lambda: keda.polls[-1][1] == "ok", "an answer", 60)
