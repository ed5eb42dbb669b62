"""One decision over many nodes, with a real Prometheus.

    python -m benchmarks.placement --nodes 10000 --json

One exporter tells a GPU series for each node, and Prometheus scrapes it. A decision is
the query, the reading of its answer, the guards, the naming of nodes and the choice.
`prometheus_ms` is from the request until the whole answer is here, `here_ms` the rest,
`here_cpu_ms` the processor time of that rest.
The nodes themselves are made here: reading them from an API server is not measured.
"""

import argparse
import contextlib
import gc
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from benchmarks.machine import machine, percentile, show
from kube.nodes import Node
from placement.chooser import Chooser
from placement.loads.prometheus import Prometheus
from placement.settings import ChoiceSettings, LoadSettings, PrometheusSettings
from tests.fixtures.net import wait_until
from tests.fixtures.prometheus import Exporter, PrometheusServer
from tests.fixtures.scaledjobs import scaledjob
from tests.fixtures.settings import read_settings

SCRAPE = 2.0  # seconds


class TimedPrometheus(Prometheus):
    """Keeps the time that the last answer took to arrive."""

    arrived_ms = 0.0
    arrived_cpu_ms = 0.0

    def query(self, promql: str) -> list[dict[str, Any]]:
        """As ever, and note the time."""
        self._begun, self._begun_cpu = time.perf_counter(), time.thread_time()
        return super().query(promql)

    def arrived(self, response: requests.Response) -> None:
        """Note the time."""
        self.arrived_ms = (time.perf_counter() - self._begun) * 1000
        self.arrived_cpu_ms = (time.thread_time() - self._begun_cpu) * 1000
        super().arrived(response)


@contextlib.contextmanager
def cluster(count: int) -> Iterator[tuple[TimedPrometheus, LoadSettings, list[Node]]]:
    """A Prometheus that knows the loads of so many nodes, and the nodes."""
    names = [f"node-{number:06}" for number in range(count)]
    exporter = Exporter()
    exporter.tell(
        *(f'gpu{{node="{name}"}} {i * 7 % 100}' for i, name in enumerate(names))
    )
    with tempfile.TemporaryDirectory() as folder:
        server = PrometheusServer(Path(folder), scrape=SCRAPE)
        server.scrape(exporter)
        server.start()
        try:
            settings = read_settings(PrometheusSettings, url=server.url, deadline="60")
            door = TimedPrometheus(settings)
            wait_until(lambda: len(door.query("gpu")) == count, "all series", 60, 0.5)
            nodes = [Node(name, name, labels={"gpu-node": ""}) for name in names]
            yield door, read_settings(LoadSettings, metrics="gpu"), nodes
        finally:
            server.stop()
            exporter.stop()


def measure(count: int, rounds: int) -> dict[str, float]:
    """Milliseconds of decisions over `count` nodes."""
    rules, job = read_settings(ChoiceSettings), scaledjob({})
    arrived, here, here_cpu = [], [], []
    with cluster(count) as (door, loads, nodes):
        chooser = Chooser(rules)
        for _ in range(rounds):
            gc.collect()
            begun, begun_cpu = time.perf_counter(), time.thread_time()
            survey = door.survey(nodes, loads)
            decision = chooser.choose(nodes, survey.readings, job, [], begun)
            took = (time.perf_counter() - begun) * 1000
            took_cpu = (time.thread_time() - begun_cpu) * 1000
            if decision.node is None or len(survey.readings) != count:
                raise SystemExit(f"not a decision over all nodes: {decision}")
            arrived.append(door.arrived_ms)
            here.append(took - door.arrived_ms)
            here_cpu.append(took_cpu - door.arrived_cpu_ms)
    return {
        "prometheus_ms": round(statistics.median(arrived), 1),
        "here_ms": round(statistics.median(here), 1),
        "here_cpu_ms": round(statistics.median(here_cpu), 1),
        "here_p99_ms": round(percentile(here, 0.99), 1),
    }


def peak_memory_mb() -> int:
    """This process's largest resident size so far."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    figures: dict[str, object] = {"rounds": arguments.rounds}
    before = peak_memory_mb()
    for count in sorted({2, arguments.nodes // 10, arguments.nodes // 2} - {0, 1}):
        figures[f"nodes_{count}"] = measure(count, arguments.rounds)
    figures[f"nodes_{arguments.nodes}"] = measure(arguments.nodes, arguments.rounds)
    figures["memory_before_mb"] = before
    figures["peak_memory_mb"] = peak_memory_mb()
    figures["machine"] = machine()
    show(figures, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
