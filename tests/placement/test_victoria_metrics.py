"""What speaks Prometheus' API and is another engine: a real VictoriaMetrics."""

import itertools
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import urllib3
import yaml

from kube.nodes import Node
from placement.loads.prometheus import Prometheus
from placement.settings import LoadSettings, PrometheusSettings
from tests.fixtures.control_plane import binaries
from tests.fixtures.net import free_port, start_process, wait_until
from tests.fixtures.prometheus import Exporter
from tests.fixtures.settings import read_settings

MODULE = "github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics"
NODE = Node("n", "n", addresses=("127.0.0.1",))

# It asks Go to build the server, as the tests of the cluster do once.
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not (shutil.which("go") and binaries()), reason="make test-cluster (needs Go)"
    ),
]
_numbers = itertools.count()


@pytest.fixture(scope="module")
def exporter():
    made = Exporter()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def victoria(tmp_path_factory, exporter):
    """The URL of a server with its defaults, which scrapes the exporter."""
    folder = tmp_path_factory.mktemp("victoria")
    program = folder / "victoria-metrics"
    source = Path(__file__).parent / "victoria_metrics"
    subprocess.run(["go", "build", "-o", program, MODULE], cwd=source, check=True)
    scrapes = {
        "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"},
        "scrape_configs": [
            {
                "job_name": "nodes",
                "honor_timestamps": True,
                "static_configs": [{"targets": [exporter.target]}],
            }
        ],
    }
    (folder / "scrape.yml").write_text(yaml.safe_dump(scrapes))
    port = free_port()
    process = start_process(
        [
            program,
            f"-storageDataPath={folder / 'data'}",
            f"-httpListenAddr=127.0.0.1:{port}",
            f"-promscrape.config={folder / 'scrape.yml'}",
        ],
        folder / "log",
        env={},
    )
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: _answers(url), "VictoriaMetrics answers", 60)
    yield url
    process.terminate()
    process.wait(30)


def _answers(url: str) -> bool:
    try:
        answer = urllib3.request("GET", f"{url}/health", timeout=2, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200


class Told:
    """A metric of its own, and what the server says of it."""

    def __init__(self, url: str, exporter: Exporter) -> None:
        self.metric = f"load_{next(_numbers)}"
        self.exporter = exporter
        self.door = Prometheus(read_settings(PrometheusSettings, url=url))
        self.settings = {"metrics": self.metric, "window": "60", "max_age": "30"}

    def tell(self, value: object, at: float | None = None) -> None:
        stamp = "" if at is None else f" {int(at * 1000)}"
        self.exporter.tell(f"{self.metric} {value}{stamp}")

    def newest(self) -> str | None:
        rows = self.door.query(self.metric)
        return rows[0]["value"][1] if rows else None

    def survey(self):
        return self.door.survey([NODE], read_settings(LoadSettings, **self.settings))

    def wait(self, words):
        """Wait until the reading has these words, or this load."""

        def found():
            reading = self.survey().readings.get("n")
            said = str(reading.problem or "").split() if reading else ()
            return reading and words in (reading.load, *said)

        wait_until(found, str(words), 60, 0.2)
        return self.survey().readings["n"]


@pytest.fixture
def told(victoria, exporter):
    return Told(victoria, exporter)


def test_a_load_is_read_with_its_age(told):
    told.tell(42)
    assert 0 <= told.wait(42).age < 20


def test_a_sign_of_failure_between_good_samples_is_not_averaged_away(told):
    told.tell(-1)
    told.wait("-1")
    told.tell(5)
    wait_until(lambda: told.newest() == "5", "the good sample is stored", 60, 0.2)
    assert str(told.survey().readings["n"].problem) == "a sample of -1 is no load"


def test_a_sample_that_is_too_old_by_its_own_time_is_unknown(told):
    # Its answer to a plain question is that of 30 s ago, to which this one is young.
    told.tell(0, at=time.time() - 45)
    told.wait("old")


def test_a_dead_exporter_is_unknown(told):
    told.tell(0)
    told.wait(0)
    told.exporter.stop()
    try:
        wait_until(
            lambda: (
                (r := told.survey().readings.get("n")) is None or r.problem is not None
            ),
            "unknown",
            60,
            0.2,
        )
    finally:
        told.exporter.start()


def test_nan_is_unknown_at_the_end_of_the_age_and_the_doubt_is_said(told):
    told.settings["max_age"] = "5"
    told.tell(7)
    told.wait(7)
    told.tell("NaN")
    wait_until(
        lambda: (r := told.survey().readings.get("n")) is None or r.problem is not None,
        "unknown",
        60,
        0.2,
    )
    (doubt,) = told.survey().doubts
    assert "drops NaN" in doubt
