"""The order of a launch, the switches of one, and what a dry run of it shows."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from common import cli
from launcher.adoption import Adoption
from launcher.deploy import Deployment
from launcher.helpers import Helpers
from launcher.image.build import Shipping
from launcher.image.parts import Parts
from launcher.in_cluster import InCluster
from launcher.steps import Step
from launcher.teardown import Stopping

STEPS = (
    "preflight",
    "cleanup",
    "build",
    "parts",
    "settings",
    "session",
    "scaledjob",
    "helpers",
    "ready",
)


def with_switches(description: str) -> argparse.ArgumentParser:
    """A parser with them, and with `description` at the head of its help."""
    worker = "The worker's settings: mqtt_posture_analyzer_with_db.py --help."
    parser = cli.parser(description, worker)
    switch = partial(parser.add_argument, action="store_true")
    switch("--doctor", help="only check everything")
    switch("--try-pod", help="with --doctor: start a pod that tries what only it can")
    switch("--dry-run", help="only show what would be done")
    switch("--yes", help="do not ask")
    switch("--detach", help="leave it running and return")
    switch("--skip-build", help="use the image that is there")
    switch("--adopt", help="take over what a Helm release of the chart has made")
    switch("--rebuild", help="build though the registry has the same content")
    parser.add_argument(
        "--only", choices=STEPS, metavar="STEP", help=f"one step of {', '.join(STEPS)}"
    )
    return parser


@dataclass(frozen=True)
class Launch:
    """The parts that the steps are made of."""

    preflight: Callable[[], str]
    declare: Callable[[], str]
    stopping: Stopping
    shipping: Shipping
    parts: Parts
    deployment: Deployment
    helpers: Helpers | InCluster
    skip_build: bool
    adoption: Adoption | None = None
    """What is taken over first, if that was asked for."""

    def steps(self) -> list[Step]:
        """What a launch does, in this order.

        The scaler has to answer before KEDA can call the ScaledJob ready, so the
        helpers come before the wait for it.
        """
        taken = self.adoption
        return [
            Step("preflight", "check everything", self.preflight),
            *([Step("adopt", "take over from the chart", taken.take)] if taken else ()),
            Step("cleanup", "end what an earlier run has left", self._clean_up),
            Step("build", "build and push the image", self._build),
            Step("parts", "build what runs beside it", self.parts.make),
            Step(
                "settings", "set the worker's settings", self.deployment.apply_settings
            ),
            Step("session", "declare the worker's session", self.declare),
            Step("scaledjob", "pin the ScaledJob", self.deployment.apply_scaledjob),
            Step("helpers", "start watcher and scaler", self.helpers.start),
            Step("ready", "wait for KEDA", self.deployment.wait_until_ready),
        ]

    def preview(self) -> list[Step]:
        """The same steps, saying what they would do; `stopping` is a dry run too."""
        changes = {
            "build": self._preview_build,
            "parts": self.parts.preview,
            "settings": self.deployment.preview_settings,
            "session": lambda: "would declare the worker's session at the broker",
            "scaledjob": self.deployment.preview_scaledjob,
            "helpers": self.helpers.preview,
            "ready": lambda: "would wait until KEDA is ready to scale",
        }
        if self.adoption:
            changes["adopt"] = self.adoption.preview
        return [
            Step(step.name, step.does, changes.get(step.name, step.run))
            for step in self.steps()
        ]

    def _clean_up(self) -> str:
        here = isinstance(self.helpers, Helpers)
        done = {
            "helpers": self.stopping.end_helpers(),
            # Those that stay are replaced by themselves, one pod after the other.
            **({"in the cluster": self.stopping.remove_in_cluster()} if here else {}),
            "containers": self.stopping.remove_containers(),
            "jobs": self.stopping.delete_jobs(),
        }
        return "; ".join(f"{what}: {said}" for what, said in done.items())

    def _build(self) -> str:
        if self.skip_build:
            return f"skipped: the Jobs run {self.shipping.image()}"
        return self.shipping.ship()

    def _preview_build(self) -> str:
        return self._build() if self.skip_build else self.shipping.preview()
