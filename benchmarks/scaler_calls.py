"""Calls of the KEDA scaler per second and their times, while Prometheus hangs.

    python -m benchmarks.scaler_calls --json

The scaler is the real script with a real Prometheus, stopped in the middle of its work,
and a real broker. The API server is a stand-in that always says the same: it plays no
part in a call. The caller is written in Go, as KEDA is, with the same gRPC library: one
in Python takes as long for a call as the scaler. It needs Go. `bare` is a gRPC
server that always says the same, called in turn with the scaler: what the library alone
takes on the same machine.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import grpc
import yaml

import externalscaler_pb2 as pb
from benchmarks.machine import machine, memory_mb, percentile, show
from externalscaler_pb2_grpc import ExternalScalerStub
from kube import scaledjobs
from tests.fixtures.mosquitto import running_mosquitto
from tests.fixtures.net import accepts, free_port, wait_until
from tests.fixtures.prometheus import Exporter, PrometheusServer
from tests.fixtures.scaling import ScalerProcess

ROOT = Path(__file__).parents[1]
CALLER = Path(__file__).parent / "keda_client"
NODE = "jetson1"
ROUNDS = 5

_REFERENCE = pb.ScaledObjectRef(
    name="posture-analyzer-scaledjob",
    namespace="default",
    scalerMetadata={"scalerAddress": "posture-scaler.default:50051", "threshold": "80"},
)
REQUESTS = {
    "IsActive": _REFERENCE,
    "GetMetrics": pb.GetMetricsRequest(
        scaledObjectRef=_REFERENCE, metricName="gpu_trigger"
    ),
}


def objects() -> dict[str, Any]:
    """What the API server says, by the end of the path."""
    scaledjob = scaledjobs.read_manifest(ROOT / "posture-job.yaml")
    scaledjobs.pin(scaledjob, NODE, NODE)
    labels = {"kubernetes.io/hostname": NODE, "gpu-node": "true"}
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    metadata = {"name": NODE, "uid": NODE, "labels": labels}
    node = {"metadata": metadata, "spec": {}, "status": ready}
    version = {"metadata": {"resourceVersion": "1"}}
    return {
        "nodes": {"items": [node], **version},
        "jobs": {"items": [], **version},
        "pods": {"items": [], **version},
        "posture-analyzer-scaledjob": scaledjob,
    }


@contextmanager
def api_server(folder: Path) -> Iterator[Path]:
    """The stand-in; gives a kubeconfig."""
    known = objects()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            body = json.dumps(known[path.rpartition("/")[2]]).encode()
            asked = parse_qs(self.path.partition("?")[2])
            if "watch" in asked:  # nothing happens for as long as it lasts
                time.sleep(float(asked["timeoutSeconds"][0]))
                body = b""
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": "c", "cluster": {"server": address}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    try:
        yield path
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def scaler_with_hanging_prometheus(folder: Path) -> Iterator[tuple[ScalerProcess, int]]:
    """The scaler, which has read the loads before Prometheus hung, and its port."""
    port = free_port()
    with (
        api_server(folder) as kubeconfig,
        running_mosquitto(folder / "broker") as broker,
    ):
        exporter = Exporter("jetson_gpu_usage_percent 10\n")
        prometheus = PrometheusServer(folder / "prometheus")
        prometheus.scrape(exporter, node=NODE)
        prometheus.start()
        environ = broker.environ | prometheus.environ
        environ |= {
            "KUBECONFIG": str(kubeconfig),
            "SCALER_ADDRESS": "127.0.0.1",
            "SCALER_PORT": str(port),
            "SCALER_METRICS_PORT": "0",
            "SCALER_STALENESS": "3600",
        }
        scaler = ScalerProcess(folder / "scaler", environ)
        try:
            wait_until(lambda: accepts(port), "the scaler listens")
            wait_until(lambda: _active(port), "a Job is wanted", 60)
            prometheus.signal(signal.SIGSTOP)
            yield scaler, port
        finally:
            scaler.end()
            prometheus.stop()
            exporter.stop()


@contextmanager
def bare_server() -> Iterator[int]:
    """The bare server; gives its port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.scaler_bare", str(port)], cwd=ROOT
    )
    try:
        wait_until(lambda: accepts(port), "the bare server listens")
        yield port
    finally:
        process.kill()
        process.wait()


def _active(port: int) -> bool:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            stub = ExternalScalerStub(channel)
            return stub.IsActive(REQUESTS["IsActive"], timeout=5).result
        except grpc.RpcError:
            return False


class Caller:
    """The caller's process."""

    def __init__(self, program: Path, port: int) -> None:
        self._process = subprocess.Popen(
            [program, f"127.0.0.1:{port}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(
        self, method: str, concurrent: int, calls: int
    ) -> tuple[float, list[float]]:
        """Seconds for all calls, and milliseconds of each."""
        request = REQUESTS[method].SerializeToString().hex()
        self._process.stdin.write(f"{method} {concurrent} {calls} {request}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the caller ended early")
        return tuple(json.loads(line))

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(20)


def in_turn(callers: dict[str, Caller], method: str, concurrent: int, calls: int):
    """Figures of each caller, called in turn so that all share the machine's moods."""
    seconds, took = dict.fromkeys(callers, 0.0), {name: [] for name in callers}
    for _ in range(ROUNDS):
        for name, caller in callers.items():
            more, times = caller(method, concurrent, calls // ROUNDS)
            seconds[name] += more
            took[name] += times
    figures = {}
    for name in callers:
        start = f"{name}{method}_{concurrent}"
        figures[f"{start}_per_second"] = round(len(took[name]) / seconds[name])
        figures[f"{start}_p50_ms"] = round(percentile(took[name], 0.5), 2)
        figures[f"{start}_p99_ms"] = round(percentile(took[name], 0.99), 2)
    return figures


def measure(calls: int, many: int) -> dict[str, object]:
    """All figures: `calls` for each time, `many` for the memory."""
    figures: dict[str, object] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        scaler_with_hanging_prometheus(Path(folder)) as (scaler, port),
        bare_server() as bare_port,
    ):
        program = Path(folder) / "keda_client"
        subprocess.run(["go", "build", "-o", program, "."], cwd=CALLER, check=True)
        caller, bare = Caller(program, port), Caller(program, bare_port)
        for each in (caller, bare):
            each("GetMetrics", 50, min(5000, calls))  # warm
        for method in REQUESTS:
            for concurrent in (1, 50, 500):
                callers = {"": caller, "bare_": bare}
                figures |= in_turn(callers, method, concurrent, calls)
        before = memory_mb(scaler.process.pid, "VmRSS")
        for method in REQUESTS:
            caller(method, 50, many // 2)
        after = memory_mb(scaler.process.pid, "VmRSS")
        caller.close()
        bare.close()
    figures["calls_for_memory"] = many
    figures["memory_before_mb"] = round(before, 1)
    figures["memory_after_mb"] = round(after, 1)
    return figures | {"machine": machine()}


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    show(measure(arguments.calls, arguments.many), as_json=arguments.json)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
