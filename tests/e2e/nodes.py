"""Two masters and two boards; what the boards' GPUs and CPUs do, agents read."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from tests.fixtures.boards import Board, Cpu, busy, nano, orin_6
from tests.fixtures.containers import Machine
from tests.fixtures.control_plane import ROOT, ControlPlane
from tests.fixtures.kubelets import Kubelets

AGENT = "posture-node-agent"
_MONITORING = ROOT / "deploy" / "monitoring" / "prometheus-cluster.yml"
_MANIFEST = ROOT / "deploy" / "node-agent" / "node-agent.yaml"
# A scene lasts for seconds, so the agents look more often than by default.
_QUICK = {"SAMPLE_INTERVAL": "0.5", "AGENT_WINDOW": "2"}
_MASTERS = ("master-1", "master-2")
_BOARDS = {"jetson-1": orin_6, "jetson-2": nano}


class Nodes:
    """Machines with kubelets; the boards are those that Jobs may run on."""

    def __init__(self, kubelets: Kubelets, folder: Path, stack: ExitStack) -> None:
        with ThreadPoolExecutor() as pool:
            masters = [pool.submit(kubelets.add, name) for name in _MASTERS]
            labels = {"gpu-node": "true"}
            boards = [pool.submit(kubelets.add, each, **labels) for each in _BOARDS]
        for each in masters:
            each.result()
        self.machines: dict[str, Machine] = {}
        self._boards: dict[str, Board] = {}
        self._cpus: dict[str, Cpu] = {}
        for each in boards:
            machine = each.result()
            board = _BOARDS[machine.name](folder / machine.name)
            machine.surroundings = board.environ
            self.machines[machine.name] = machine
            self._boards[machine.name] = board
            self._cpus[machine.name] = stack.enter_context(busy(board, 10))

    @property
    def names(self) -> list[str]:
        return list(self.machines)

    def other(self, name: str) -> str:
        """The board that is not `name`."""
        return next(each for each in self.machines if each != name)

    def tell(self, name: str, gpu: int, cpu: int = 10) -> None:
        """Let a board's GPU and CPU have these loads from now on, in percent."""
        self._boards[name].tell(gpu * 10)
        self._cpus[name].percent = cpu

    def favour(self, name: str) -> None:
        """Let this board have little to do and the other much."""
        self.tell(name, 5)
        self.tell(self.other(name), 60)

    def scraped(self) -> dict[str, Any]:
        """The agents' job of the shipped Prometheus file, with what it would discover.

        Debian's Prometheus is built without the discovery of Kubernetes.
        """
        jobs = yaml.safe_load(_MONITORING.read_text())["scrape_configs"]
        (job,) = [each for each in jobs if each["job_name"] == AGENT]
        (discovery,) = job.pop("kubernetes_sd_configs")
        assert discovery["role"] == "node"
        meta = "__meta_kubernetes_node"
        job["static_configs"] = [
            {
                "targets": [each.name],
                "labels": {
                    f"{meta}_name": each.name,
                    f"{meta}_address_InternalIP": each.address,
                    f"{meta}_labelpresent_gpu_node": "true",
                },
            }
            for each in self.machines.values()
        ]
        return job


def install_agents(plane: ControlPlane) -> None:
    """The shipped DaemonSet, which looks more often than by default."""
    objects = list(yaml.safe_load_all(_MANIFEST.read_text()))
    for each in objects:
        if each["kind"] == "DaemonSet":
            (container,) = each["spec"]["template"]["spec"]["containers"]
            container["env"] += [
                {"name": name, "value": value} for name, value in _QUICK.items()
            ]
    plane.apply(*objects, namespace=AGENT)


def remove_agents(plane: ControlPlane) -> None:
    plane.kubectl("delete", "-f", str(_MANIFEST), "--ignore-not-found")
