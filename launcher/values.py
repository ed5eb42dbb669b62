"""Values for the chart: what the launcher knows, for whoever goes on with Helm.

No secret is among them. What leads to this machine is left out, for no pod would reach
it; Helm asks for it then (PROMETHEUS_URL, MQTT_HOST).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from common.files import write_text
from common.options import Option
from launcher import manifests, placement_objects
from launcher.settings import PodSettings

Given = Sequence[tuple[Option, str]]
_INSTANCE = "posture"  # with it the chart's names are the launcher's
_LOOPBACK = ("localhost", "127.", "::1", "0.0.0.0")  # noqa: S104 - nothing is opened
_HEAD = """\
# Written by build_and_push.py at each step `parts`; docs/helm.md says what for:
#   helm upgrade --install posture deploy/chart -f {path}
"""


@dataclass(frozen=True)
class Values:
    """The file that `helm install -f` takes."""

    path: Path
    worker: Given
    """What the worker is told: options and their texts."""

    placement: Given
    """What scaler and watcher are told."""

    pods: PodSettings

    def write(self, images: Mapping[str, str]) -> None:
        """Write it with these images, and those of before that are not among them.

        Raises:
            OperatorError: it cannot be written.
        """
        told = self._told() | {"images": self._known() | dict(images)}
        text = yaml.safe_dump(told, sort_keys=False, width=200)
        write_text(self.path, _HEAD.format(path=self.path) + text)

    def _told(self) -> dict[str, Any]:
        plain = [each for each in self.placement if not each[0].env.endswith("_FILE")]
        placement, _ = placement_objects.settings(plain)
        worker = manifests.config_map(self.worker)
        told: dict[str, Any] = {
            "instance": _INSTANCE,
            "settings": _reachable(worker["data"]),
            "placement": {"settings": _reachable(placement["data"])},
        }
        if self.pods.pull_secret:
            told["imagePullSecrets"] = [{"name": self.pods.pull_secret}]
        if self.pods.priority_class:
            told["priorityClassName"] = self.pods.priority_class
        return told

    def _known(self) -> dict[str, str]:
        try:
            return dict(yaml.safe_load(self.path.read_text())["images"])
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
            return {}


def is_loopback(text: str) -> bool:
    """Whether a host or a URL leads to the machine that asks, a pod then."""
    host = urlsplit(text if "://" in text else f"//{text}").hostname or ""
    return host.startswith(_LOOPBACK)


def _reachable(data: Mapping[str, str]) -> dict[str, str]:
    names = ("_HOST", "_URL")
    return {
        name: text
        for name, text in data.items()
        if not (name.endswith(names) and is_loopback(text))
    }
