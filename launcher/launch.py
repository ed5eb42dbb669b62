"""The order of a launch, and what a dry run of it shows."""

from collections.abc import Callable
from dataclasses import dataclass

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
