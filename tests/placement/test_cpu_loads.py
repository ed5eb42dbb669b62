"""A node's load is the greater of its GPU's and its CPU's, as Prometheus tells both."""

import itertools

import pytest

from kube.nodes import Node, read_node
from placement.loads.prometheus import Prometheus
from placement.settings import LoadSettings, PrometheusSettings
from tests.fixtures.net import wait_until
from tests.fixtures.settings import read_settings

_numbers = itertools.count()


class Watched:
    """Node `n` with four cores; what its exporters tell is the test's."""

    def __init__(self, server, exporters):
        number = next(_numbers)
        self.gpu, self.cpu = f"gpu_{number}", f"cpu_{number}"
        self.name = f"n-{number}"
        self.gpus, self.cpus, self.workers = exporters[:3]
        self.node = Node(self.name, self.name, cores=4.0)
        self.door = Prometheus(read_settings(PrometheusSettings, url=server.url))
        self.settings = {"metrics": self.gpu, "cpu_metrics": self.cpu, "window": "1"}

    def tell(self, gpu=None, cpu=None):
        for exporter, metric, value in (
            (self.gpus, self.gpu, gpu),
            (self.cpus, self.cpu, cpu),
        ):
            labels = f'{{node="{self.name}"}}'
            exporter.tell(*([] if value is None else [f"{metric}{labels} {value}"]))

    def reading(self):
        settings = read_settings(LoadSettings, **self.settings)
        return self.door.survey([self.node], settings).readings.get(self.name)

    def wait(self, right):
        wait_until(lambda: right(self.reading()), "the reading", 30, 0.1)
        return self.reading()

    def wait_load(self, load):
        def right(reading):
            return reading and reading.load == pytest.approx(load)

        return self.wait(right)


@pytest.fixture
def watched(prometheus, exporters):
    made = Watched(prometheus, exporters)
    yield made
    made.door.close()


@pytest.mark.parametrize(
    ("gpu", "cpu", "load"), [(5, 95, 95), (60, 20, 60), (0, 0, 0), (30, None, 30)]
)
def test_the_greater_of_both_counts(watched, gpu, cpu, load):
    watched.tell(gpu, cpu)
    watched.wait_load(load)


def test_one_word_has_the_gpu_alone(watched):
    watched.settings["cpu_metrics"] = "none"
    watched.tell(5, 95)
    watched.wait_load(5)


def test_a_cpu_never_stands_in_for_a_gpu(watched):
    watched.tell(None, 5)
    watched.cpus.wait_scraped()
    assert watched.reading() is None
    watched.tell("NaN", 5)
    watched.wait(lambda r: r and str(r.problem) == "its value is 'NaN'")


def test_a_cpu_that_is_told_but_in_doubt_makes_the_node_unknown(watched):
    watched.tell(5, "NaN")
    assert watched.wait(lambda r: r and r.problem).load is None
    assert str(watched.reading().problem) == "its CPU: its value is 'NaN'"
    watched.tell(5, 50)
    watched.wait_load(50)


def test_a_cpu_of_a_machine_that_is_no_node_is_not_complained_of(watched):
    watched.tell(5, 10)
    watched.wait_load(10)
    watched.cpus.tell(f'{watched.cpu}{{node="elsewhere"}} 10')
    watched.cpus.wait_scraped()
    watched.wait_load(5)
    settings = read_settings(LoadSettings, **watched.settings)
    assert watched.door.survey([watched.node], settings).unmatched == ()


def test_what_our_own_worker_uses_is_not_counted_for_it_would_come_along(watched):
    watched.tell(10, 90)
    watched.wait_load(90)
    used = 0.0

    def work():
        # Two of the four cores, by the scrape interval of a quarter of a second.
        nonlocal used
        used += 0.5
        watched.workers.tell(
            f'posture_worker_info{{node="{watched.name}",model="full"}} 1',
            f"process_cpu_seconds_total {used}",
        )
        watched.workers.wait_scraped(1)
        reading = watched.reading()
        return reading and reading.load is not None and reading.load < 75

    wait_until(work, "the worker's share is left out", 60, 0)
    watched.workers.tell()


@pytest.mark.parametrize(
    ("told", "cores"),
    [("6", 6.0), ("5500m", 5.5), ("", None), ("x", None), ("0", None)],
)
def test_the_cores_of_a_node_are_what_the_kubelet_says(told, cores):
    node = {"metadata": {"name": "n"}, "status": {"capacity": {"cpu": told}}}
    assert read_node(node).cores == cores


def test_a_worker_that_is_scraped_twice_does_not_break_the_query(watched):
    watched.tell(10, 90)
    worker = 'posture_worker_info{{node="{}",model="full"}} 1'
    watched.workers.tell(
        *(worker.format(name) for name in (watched.name, "another")),
        "process_cpu_seconds_total 5",
    )
    watched.workers.wait_scraped()
    watched.wait(lambda r: r and r.load is not None)
    watched.workers.tell()
