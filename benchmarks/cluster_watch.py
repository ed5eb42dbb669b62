"""A large cluster, looked at by watches and by lists, on a real API server.

    python -m benchmarks.cluster_watch --nodes 500 --jobs 5000 --json

Nodes and suspended Jobs of the shipped ScaledJob are made on a control plane of its own
(`make test-cluster` builds it). Each way of looking is a process of its own: `first_ms`
is until everything is known, `decision_ms` a look at everything and the choice of the
node (median, loads given), `memory_mb` the process's largest size, `lists` how often
everything of a kind was read, over `seconds` of steady state.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, show
from kube.client import Client
from kube.cluster import Cluster
from kube.live import LiveCluster
from kube.resources import JOB, NODE, SCALEDJOB
from kube.settings import ClusterSettings
from placement.decision import Reading
from placement.settings import ChoiceSettings
from scaler.snapshot import Following, situation
from tests.fixtures.control_plane import ROOT, ControlPlane, binaries, keda_job
from tests.fixtures.net import wait_until
from tests.fixtures.settings import read_settings, settings_from

_ROUNDS = 20


def fill(client: Client, nodes: int, jobs: int, scaledjob: dict[str, Any]) -> None:
    """Make so many nodes and Jobs."""
    node = {"spec": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}

    def make_node(number: int) -> None:
        name = f"node-{number:04}"
        labels = {"kubernetes.io/hostname": name, "gpu-node": "true"}
        client.create(NODE, {"metadata": {"name": name, "labels": labels}, **node})

    def make_job(number: int) -> None:
        job = keda_job(scaledjob)
        job["metadata"]["name"] = f"job-{number:05}"
        job["spec"]["suspend"] = True
        client.create(JOB, job)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make_node, range(nodes)))
        list(pool.map(make_job, range(jobs)))


def look(kind: str, seconds: float) -> dict[str, float]:
    """Look as a scaler does, in this process, and measure it."""
    settings = settings_from(ClusterSettings, os.environ)
    begun = time.perf_counter()
    cluster = LiveCluster(settings) if kind == "watch" else Cluster(settings)
    if isinstance(cluster, LiveCluster):
        cluster.start()
    seen = cluster.snapshot()
    figures = {"first_ms": (time.perf_counter() - begun) * 1000}
    readings = {node.name: Reading(50.0) for node in seen.nodes}
    following = Following(read_settings(ChoiceSettings), 30)
    took = []
    for _ in range(_ROUNDS if kind == "watch" else 2):
        begun = time.perf_counter()
        found = situation(cluster.snapshot(), time.monotonic())
        choice = following.look(found.seen, readings, time.monotonic())
        took.append((time.perf_counter() - begun) * 1000)
        if choice.node is None or not found.jobs.unfinished:
            raise SystemExit(f"not a decision over all: {choice.reason}")
    figures["decision_ms"] = statistics.median(took)
    if isinstance(cluster, LiveCluster):
        time.sleep(seconds)
        figures["lists"] = cluster.lists
        cluster.stop()
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    figures["memory_mb"] = int(line.split()[1]) / 1024
    return {name: round(value, 1) for name, value in figures.items()}


def measure(nodes: int, jobs: int, seconds: float) -> dict[str, object]:
    """All figures."""
    programs = binaries()
    if programs is None:
        raise SystemExit("no control plane is built: make test-cluster (needs Go)")
    with tempfile.TemporaryDirectory(prefix="plane-") as folder:
        plane = ControlPlane(Path(folder), programs)
        try:
            plane.start()
            plane.apply((ROOT / "posture-job.yaml").read_text())
            environ = {"KUBECONFIG": str(plane.kubeconfig)}
            client = Client(settings_from(ClusterSettings, environ))
            scaledjob = client.get(SCALEDJOB, "posture-analyzer-scaledjob")
            fill(client, nodes, jobs, scaledjob)
            wait_until(lambda: len(client.find_all(NODE)) == nodes, "all nodes", 60, 1)
            return {kind: _apart(kind, seconds, environ) for kind in ("watch", "list")}
        finally:
            plane.stop()


def _apart(kind: str, seconds: float, environ: dict[str, str]) -> object:
    command = [sys.executable, "-m", "benchmarks.cluster_watch", "--seconds"]
    done = subprocess.run(
        [*command, str(seconds), "--look", kind],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--look", choices=("watch", "list"), help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    if arguments.look:
        print(json.dumps(look(arguments.look, arguments.seconds)))
        return 0
    figures = measure(arguments.nodes, arguments.jobs, arguments.seconds)
    show(figures | {"machine": machine()}, as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
