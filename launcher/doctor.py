"""The doctor: everything that can be found out before anything is changed."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common import cli
from common.errors import OperatorError
from common.options import SettingsError
from kube import scaledjobs
from kube.cluster import Cluster, Opened
from launcher import manifests
from launcher.checks.cluster import ClusterChecks
from launcher.checks.keda import keda_check
from launcher.checks.machine import docker_checks, port_check
from launcher.checks.nodes import NodeChecks
from launcher.checks.pods import PodChecks
from launcher.checks.prometheus import load_check
from launcher.checks.trial import PodTrial
from launcher.checks.worker import worker_checks
from launcher.image.docker import Docker
from launcher.launch import Launch
from launcher.preflight import Check, Finding, examine, failed
from launcher.run_dir import Trace
from launcher.settings import LauncherSettings

_DEADLINE = 7.5  # seconds for all checks, side by side
_TRIAL_DEADLINE = 120.0  # seconds for pods to get their image and to end


@dataclass(frozen=True)
class Doctor:
    """What is examined, and through which doors."""

    settings: LauncherSettings
    cluster: Opened
    docker: Docker
    trace: Trace
    worker: Sequence[Check]
    """What only the worker's own doors can tell."""
    skip_build: bool
    adopt: bool = False
    """Whether what a chart has made will be taken over first."""

    def examine(self) -> list[Finding]:
        """Ask everything, side by side."""
        settings = self.settings
        checks = [
            *ClusterChecks(settings, self.cluster, self.adopt).all(),
            keda_check(self.cluster),
            load_check(settings, self.cluster),
        ]
        if not settings.in_cluster:
            checks.append(port_check(self.trace, settings.scaler_port))
        if not self.skip_build:
            checks = docker_checks(settings.image, self.docker) + checks
        checks += NodeChecks(settings, self.cluster).all()
        checks += PodChecks(settings, self.cluster).all()
        checks += self.worker
        return examine(checks, _DEADLINE)

    def try_pods(self, launch: Launch) -> list[Finding]:
        """Start pods that try what only they can, of what `launch` would deploy."""
        settings = self.settings

        def address() -> str:
            written = manifests.trigger(
                scaledjobs.read_manifest(settings.manifest.base)
            )
            return launch.deployment.scaler_address() or str(written["scalerAddress"])

        trial = PodTrial(settings, launch.shipping.image, address, self.cluster)
        return trial.examine(_TRIAL_DEADLINE)

    def preflight(self, found_well: Callable[[], None]) -> str:
        """Examine, and call `found_well` if a launch may go on.

        Raises:
            OperatorError: it may not; with all findings.
        """
        findings = self.examine()
        told = [each for each in findings if each.mark != "ok"]
        lines = "".join(f"\n{each}" for each in told)
        if failed(findings):
            raise OperatorError(f"nothing was changed{lines}")
        found_well()
        return f"{len(findings) - len(told)} checks passed{lines}"


def examine_without(
    arguments: argparse.Namespace, problems: list[str]
) -> list[Finding]:
    """Examine what can be examined although settings are missing or wrong."""
    missing = [Finding("settings", "FAIL", each) for each in problems]
    worker = worker_checks(argparse.Namespace())
    try:
        settings = cli.read(LauncherSettings, arguments)
    except SettingsError:  # they are among what is missing
        return missing + examine(worker, _DEADLINE)
    trace = Trace(settings.trace)
    cluster = Opened(lambda: Cluster(settings.cluster))
    skip_build: bool = arguments.skip_build
    doctor = Doctor(settings, cluster, Docker(trace.log), trace, worker, skip_build)
    return missing + doctor.examine()
