"""All parts of the system, as the launcher puts them into a cluster."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from kube.client import Client
from kube.settings import ClusterSettings
from tests.e2e.keda import POLLING, Operator, keda_of
from tests.e2e.nodes import Nodes, install_agents
from tests.e2e.witness import Witness
from tests.fixtures.cameras import Cameras, small_pictures
from tests.fixtures.containers import Container
from tests.fixtures.control_plane import ROOT, ControlPlane
from tests.fixtures.kubelets import Kubelets, running_kubelets
from tests.fixtures.mosquitto import Mosquitto, running_mosquitto
from tests.fixtures.net import wait_until
from tests.fixtures.postgres import Postgres, running_postgres
from tests.fixtures.prometheus import PrometheusServer
from tests.fixtures.settings import read_settings
from tests.fixtures.site import Script
from tests.fixtures.tally import count_rows, wait_recorded

NAMESPACE = "posture"
WORKER, SCALER, WATCHER = "posture-analyzer", "posture-scaler", "posture-watcher"
STALENESS = 5  # seconds after which the scaler believes no reading
_IDLE = 7  # seconds after which a worker ends; 5 more than SCALER_FRESH
_SCALER_PORT = 50051
# Short times, so that a scene need not wait for what takes minutes in a cluster.
_SETTINGS = {
    "WATCH_INTERVAL": "0.5",
    "HOLD": "2",
    "SETTLE": "0",
    "MIN_STAY": "2",
    "LOST_AFTER": "3",
    "LOAD_WINDOW": "2",
    "LOAD_MAX_AGE": "5",
    "PROMETHEUS_DEADLINE": "2",
    "CLUSTER_DEADLINE": "3",
    "SCALER_INTERVAL": "0.5",
    "SCALER_FRESH": "2",
    "SCALER_STALENESS": str(STALENESS),
    "SCALER_MOVE_GUARD": str(POLLING + 1),
    "MODEL": "lite",
    "THREADS": "1",
    "MQTT_CLIENT_ID": "e2e",
    "MQTT_KEEPALIVE": "5",
    "SUPABASE_DEADLINE": "5",
}
_KINDS = (
    "deployments,services,serviceaccounts,roles,rolebindings,networkpolicies,leases,"
    "poddisruptionbudgets,configmaps,secrets,scaledjobs,jobs,pods"
)


@dataclass
class Stage:
    """The parts, and what scenes do to them."""

    folder: Path
    """Where the launcher is started."""

    plane: ControlPlane
    kubelets: Kubelets
    nodes: Nodes
    prometheus: PrometheusServer
    broker: Mosquitto
    database: Postgres
    keda: Operator
    cameras: Cameras
    witness: Witness
    _bursts: int = 0
    before: set[str] = field(default_factory=set)
    launched: set[str] = field(default_factory=set)
    """The objects that there were before the launch, and those that it has made."""

    # The launcher

    @property
    def environ(self) -> dict[str, str]:
        """What the launcher is told."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.plane.kubeconfig),
            "NAMESPACE": NAMESPACE,
            "BASE_MANIFEST": str(self._manifest()),
            "SCALER_HOST": "manifest" if self.keda.trigger else "192.0.2.1",
            **_SETTINGS,
            **self.broker.environ,
            **self.database.environ,
            # 127.0.0.1, as a pod could not be told it.
            "PROMETHEUS_URL": f"http://2130706433:{self.prometheus.port}",
        }

    def _manifest(self) -> Path:
        """The shipped ScaledJob, polled more often, whose workers end sooner."""
        wanted = yaml.safe_load((ROOT / "posture-job.yaml").read_text())
        spec = wanted["spec"]
        spec["pollingInterval"] = POLLING
        if self.keda.trigger:
            spec["triggers"][0]["metadata"]["scalerAddress"] = self.keda.trigger
        (container,) = spec["jobTargetRef"]["template"]["spec"]["containers"]
        for each in container["env"]:
            if each["name"] == "EXIT_WHEN_IDLE":
                each["value"] = str(_IDLE)
        path = self.folder / "posture-job.yaml"
        path.write_text(yaml.safe_dump(wanted))
        return path

    def launch(self) -> None:
        """Put everything into the cluster, by the one command."""
        self._run("build_and_push.py", "--skip-build", "--yes", "--in-cluster")

    def take_down(self) -> None:
        """The same the other way round."""
        self._run("stop.py", "--all")

    def _run(self, name: str, *flags: str) -> None:
        script = Script(self, name, *flags)
        try:
            code = script.wait(180)
        finally:
            script.end()
        assert code == 0, f"{name} ended with {code}:\n{script.output[-3000:]}"

    def objects(self) -> set[str]:
        """Everything in the namespace, and the roles of the whole cluster."""
        kinds = f"{_KINDS},clusterroles,clusterrolebindings"
        return {*self.plane.names(kinds, NAMESPACE)}

    # Waiting

    def workers(self) -> list[Container]:
        return self.kubelets.containers(WORKER)

    def work(self) -> Container:
        """Let pictures come, and a worker record them; gives the worker."""
        self.cameras.resume()
        before = self.rows()
        wait_until(lambda: self.workers() and self.rows() > before, "rows", 90, 0.1)
        return self.workers()[-1]

    def rest(self) -> None:
        """No more pictures; those that came are recorded."""
        self.cameras.pause()
        wait_recorded(self.cameras, self.database)

    def wait_zero(self) -> None:
        """Wait until there is no Job that is not over, and no worker."""
        idle = lambda: not self.witness.unfinished and not self.workers()  # noqa: E731
        wait_until(idle, "no Job is left", 90, 0.1)

    def wait_or(self, condition: Callable[[], object], seconds: float) -> None:
        """Wait until it is true, or so many seconds are over."""
        with suppress(AssertionError):
            wait_until(condition, "", seconds, 0.1)

    def wait_up(self, app: str, count: int) -> None:
        """Wait until so many containers of this name are ready."""
        up = lambda: sum(it.ready for it in self.kubelets.containers(app)) >= count  # noqa: E731
        wait_until(up, f"{count} of {app} are ready", 60, 0.1)

    def wait_agents(self) -> None:
        """Wait until Prometheus has the load of every board from its agent."""

        def told() -> bool:
            found = self.prometheus.query("posture_node_gpu_load_percent")
            return {each["metric"]["node"] for each in found} >= {*self.nodes.names}

        wait_until(told, "the agents' loads", 90, 0.2)

    def wait_node(self, name: str) -> None:
        """Wait until the ScaledJob is on this node."""
        what = f"the ScaledJob is on {name}"
        wait_until(lambda: self.witness.node == name, what, 60, 0.1)

    def wait_worker_on(self, name: str) -> Container:
        """Wait until a worker runs on this node; gives it."""
        found = lambda: [it for it in self.workers() if it.machine.name == name]  # noqa: E731
        wait_until(found, f"a worker on {name}", 90, 0.1)
        return found()[0]

    def wait_recorded(self, topics: set[str]) -> None:
        """Wait until every one of these has its row."""
        done = lambda: count_rows(self.database, topics) >= len(topics)  # noqa: E731
        wait_until(done, f"{len(topics)} rows", 90, 0.1)

    def lease_holder(self) -> str:
        """Who leads the watchers: the name of its pod, and more."""
        lease = self.plane.get("lease", WATCHER, NAMESPACE)
        holder: str = lease["spec"].get("holderIdentity") or ""
        return holder

    def burst(self, count: int) -> set[str]:
        """So many pictures at once; gives their topics."""
        self._bursts += 1
        return self.cameras.burst(count, f"{self._bursts}")

    def explain(self, tell: Callable[[str], None]) -> None:
        """What the containers that run have said last, and KEDA was told."""
        for app in (SCALER, WATCHER, WORKER):
            for each in self.kubelets.containers(app):
                tell(f"-- {each.process.name} on {each.machine.name}:")
                tell(each.process.log[-1500:])
        tell(f"-- KEDA: {self.keda.refused[-3:]}")

    def rows(self) -> int:
        return int(self.database.execute("SELECT count(*) FROM posture_log")[0][0])


@contextmanager
def open_stage(
    folder: Path,
    programs: Path,
    rate: float,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
) -> Iterator[Stage]:
    """Everything started and launched; gone at the end."""
    with ExitStack() as stack:
        begun = time.monotonic()
        (folder / "plane").mkdir()
        plane = ControlPlane(folder / "plane", programs)
        stack.callback(plane.stop)
        with ThreadPoolExecutor() as pool:
            starting = pool.submit(plane.start)
            broker = stack.enter_context(running_mosquitto(folder / "broker"))
            database = stack.enter_context(running_postgres())
            starting.result()
        plane.create_namespace(NAMESPACE)
        tell(f"control plane, broker and database: {time.monotonic() - begun:.1f} s")
        kubelets = stack.enter_context(running_kubelets(plane, folder / "pods"))
        nodes = Nodes(kubelets, folder, stack)
        nodes.favour(nodes.names[0])
        install_agents(plane)
        prometheus = PrometheusServer(folder / "prometheus", scrape=0.5)
        prometheus.scrape_as(nodes.scraped())
        stack.callback(prometheus.stop)
        prometheus.start()
        keda = keda_of(environ, plane, NAMESPACE, lambda: _scalers(kubelets))
        stack.callback(keda.stop)
        keda.start()
        settings = {"kubeconfig": str(plane.kubeconfig), "namespace": NAMESPACE}
        witness = Witness(Client(read_settings(ClusterSettings, **settings)))
        stack.callback(witness.stop)
        witness.start()
        cameras = Cameras(broker.port, small_pictures(), rate, workers=1)
        site = folder / "site"
        site.mkdir()
        stage = Stage(
            site, plane, kubelets, nodes, prometheus, broker, database, keda, cameras,
            witness,
        )  # fmt: skip
        stage.wait_agents()
        tell(f"nodes, agents and Prometheus: {time.monotonic() - begun:.1f} s")
        stage.before = stage.objects()
        stage.launch()
        stage.launched = stage.objects() - stage.before
        tell(f"launched: {time.monotonic() - begun:.1f} s")
        cameras.start()
        stack.callback(cameras.stop)
        cameras.pause()
        yield stage


def _scalers(kubelets: Kubelets) -> list[str]:
    return [f"{each}:{_SCALER_PORT}" for each in kubelets.addresses(SCALER)]
