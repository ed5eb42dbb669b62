"""The settings of `build_and_push.py` and `stop.py`."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from common.hosts import Host
from common.options import boolean, decimal, option, same, section
from kube.settings import ClusterSettings, ManifestSettings
from placement.settings import (
    ChoiceSettings,
    LoadSettings,
    PrometheusSettings,
    WatcherSettings,
)
from scaler.settings import GrpcSettings

_REPOSITORY = re.compile(
    r"([\w.-]+(:\d+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)
CONTENT = "content"
_PARTS = ("node-agent", "nudge", "page", "placement", "offload", "retention")
_PART_NAMES = ", ".join(_PARTS)


def _repository(text: str) -> str:
    if not _REPOSITORY.fullmatch(text):
        raise ValueError("host/name, small letters, without a tag")
    return text


def _tag(text: str) -> str:
    if not re.fullmatch(r"\w[\w.-]{0,127}", text):
        raise ValueError("letters, digits, _, . and -, at most 128 characters")
    return text


def _parts(text: str) -> tuple[str, ...]:
    found = tuple(filter(None, map(str.strip, text.split(","))))
    if unknown := set(found) - set(_PARTS):
        raise ValueError(f"some of {_PART_NAMES} with commas, not {min(unknown)!r}")
    return found


def _object_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", text):
        raise ValueError("the name of an object: small letters, digits, - and .")
    return text


def _platforms(text: str) -> tuple[str, ...]:
    found = tuple(each.strip() for each in text.split(","))
    if unknown := set(found) - {"linux/amd64", "linux/arm64"}:
        raise ValueError(
            f"linux/amd64, linux/arm64 or both with a comma, not {min(unknown)!r}"
        )
    return found


@dataclass(frozen=True)
class ImageSettings:
    """The worker's image."""

    apart: ClassVar = True

    repository: str = option(
        "IMAGE_REPOSITORY",
        "--registry",
        "repository that the image is pushed to, and pulled from by the cluster",
        default="shahroz90/posture-analyzer",
        parse=_repository,
    )
    tag: str = option(
        "IMAGE_TAG",
        "--tag",
        "tag of the image, next to latest; content: a digest of what it is made of",
        default=CONTENT,
        parse=_tag,
    )
    platforms: tuple[str, ...] = option(
        "IMAGE_PLATFORMS",
        "--platform",
        "platforms to build for",
        default="linux/amd64,linux/arm64",
        parse=_platforms,
    )
    base: str | None = option(
        "PYTHON_IMAGE",
        "--python-image",
        "image to build on, if not the Dockerfile's",
        default=None,
    )
    attest: bool = option(
        "IMAGE_ATTEST",
        "--attest",
        "push a bill of materials and the provenance with the image, where the builder "
        "can; needs docker/buildkit-syft-scanner from Docker Hub",
        default="true",
        parse=boolean,
    )


@dataclass(frozen=True)
class PodSettings:
    """What the pods are given beside the manifest."""

    apart: ClassVar = True

    priority_class: str | None = option(
        "PRIORITY_CLASS",
        "--priority-class",
        "PriorityClass of the workers' pods, if not the manifest's",
        default=None,
        parse=_object_name,
    )
    pull_secret: str | None = option(
        "IMAGE_PULL_SECRET",
        "--image-pull-secret",
        "Secret with which the nodes pull the image from a private registry",
        default=None,
        parse=_object_name,
    )


@dataclass(frozen=True)
class PartSettings:
    """What is built beside the worker."""

    names: tuple[str, ...] = option(
        "PARTS",
        "--parts",
        f"what else to build and write a manifest for: {_PART_NAMES}",
        default="",
        parse=_parts,
    )


@dataclass(frozen=True)
class TraceSettings:
    """Where this machine keeps what belongs to a run."""

    apart: ClassVar = True

    folder: Path = option(
        "RUN_FOLDER",
        "--run-folder",
        "folder for the records and logs of a run",
        default="run",
        parse=Path,
    )
    last_node: Path = same(WatcherSettings, "last_node")


@dataclass(frozen=True)
class LauncherSettings:
    """Everything `build_and_push.py` is told, but for what the worker is told."""

    image: ImageSettings = section(ImageSettings)
    parts: PartSettings = section(PartSettings)
    pods: PodSettings = section(PodSettings)
    manifest: ManifestSettings = section(ManifestSettings)
    prometheus: PrometheusSettings = section(PrometheusSettings)
    loads: LoadSettings = section(LoadSettings)
    cluster: ClusterSettings = section(ClusterSettings)
    choice: ChoiceSettings = section(ChoiceSettings)
    trace: TraceSettings = section(TraceSettings)
    scaler_host: str = option(
        "SCALER_HOST",
        "--scaler-host",
        "address at which KEDA reaches this machine; auto: the one towards the nodes; "
        "manifest: leave the manifest's scalerAddress",
        default="auto",
        parse=Host("SCALER_HOST", "SCALER_PORT"),
    )
    scaler_port: int = same(GrpcSettings, "port")
    in_cluster: bool = option(
        "IN_CLUSTER",
        "--in-cluster",
        "run scaler and watcher as Deployments in the cluster, not as helpers here",
        default="false",
        parse=boolean,
    )
    ready_within: float = option(
        "READY_WITHIN",
        "--ready-within",
        "seconds for KEDA to report the ScaledJob as ready",
        default="90",
        parse=decimal(1, 3600),
    )

    def with_parts(self, *, skip_build: bool) -> PartSettings:
        """What is built beside the worker: in the cluster, scaler and watcher too."""
        names = self.parts.names
        if self.in_cluster and not skip_build and "placement" not in names:
            names = (*names, "placement")
        return PartSettings(names)


@dataclass(frozen=True)
class StopSettings:
    """Everything `stop.py` is told."""

    manifest: ManifestSettings = section(ManifestSettings)
    cluster: ClusterSettings = section(ClusterSettings)
    trace: TraceSettings = section(TraceSettings)
    gone_within: float = option(
        "GONE_WITHIN",
        "--gone-within",
        "seconds for Jobs and pods to end, on top of the grace that the pods have",
        default="12",
        parse=decimal(1, 3600),
    )
