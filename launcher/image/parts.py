"""What can run beside the workers: an image by digest, and its manifest with it.

The manifest is written and not applied: what stands in the cluster for good is the
operator's, and `stop.py` does not take it away.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.image.build import content_tag
from launcher.image.docker import Docker
from launcher.image.origin import base_of, source_of
from launcher.settings import ImageSettings, PartSettings


@dataclass(frozen=True)
class Part:
    """One of them."""

    manifest: str
    image: str = ""
    """The last part of its image's name; empty: it runs the worker's image."""

    value: str = "analyzer"
    """What the chart's values call that image."""

    dockerfile: str = ""
    """What that is made with."""


PARTS = {
    "node-agent": Part(
        "deploy/node-agent/node-agent.yaml",
        "posture-node-agent",
        "nodeAgent",
        "deploy/node-agent/Dockerfile",
    ),
    "nudge": Part(
        "deploy/nudge.yaml",
        "posture-page",
        "page",
        "deploy/page.Dockerfile",
    ),
    "page": Part(
        "deploy/page.yaml",
        "posture-page",
        "page",
        "deploy/page.Dockerfile",
    ),
    "placement": Part(
        "deploy/placement.yaml",
        "posture-placement",
        "placement",
        "deploy/placement.Dockerfile",
    ),
    "offload": Part(
        "deploy/offload.yaml",
        "posture-placement",
        "placement",
        "deploy/placement.Dockerfile",
    ),
    "retention": Part("deploy/retention.yaml"),
}
_IMAGE = re.compile(r"^( +image: )shahroz90/posture-\S+$", re.MULTILINE)
_LINKS = re.compile(r"^( +)enableServiceLinks: false\n", re.MULTILINE)


@dataclass(frozen=True)
class Parts:
    """Builds and pushes what the settings name, and writes the manifests."""

    images: ImageSettings
    settings: PartSettings
    pull_secret: str | None
    worker: Callable[[], str]
    """The worker's image."""

    root: Path
    folder: Path
    """Where the manifests are written."""

    note_images: Callable[[Mapping[str, str]], None]
    """Told the images by digest, by what the chart's values call them."""

    docker: Docker
    rebuild: bool = False
    """Whether to build though the registry has the same content."""

    def make(self) -> str:
        """Have every image in the registry, and a manifest that names its digest.

        Raises:
            OperatorError: a build or a push failed.
        """
        worker = self.worker()
        images = {"analyzer": worker} if "@" in worker else {}
        done = list(self._made(images))
        self.note_images(images)
        if not done:
            return "none asked for (PARTS)"
        return f"{'; '.join(done)}; next: kubectl apply -f {self.folder}"

    def preview(self) -> str:
        """What `make` would do."""
        names = ", ".join(self.settings.names)
        if not names:
            return "none asked for (PARTS)"
        return f"would build {names} if need be, and write {self.folder}"

    def _made(self, images: dict[str, str]) -> Iterator[str]:
        shipped: dict[str, str] = {}  # several parts may run one image
        for name in self.settings.names:
            part = PARTS[name]
            if part.image not in shipped:
                shipped[part.image] = self._ship(part) if part.image else self.worker()
            image = images[part.value] = shipped[part.image]
            path = self.folder / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            text = (self.root / part.manifest).read_text()
            path.write_text(completed(text, image, self.pull_secret))
            yield f"{path.name} with {image}"

    def _ship(self, part: Part) -> str:
        repository = beside(self.images.repository, part.image)
        base = base_of(self.root, part.dockerfile, self.images.base, self.docker)
        platforms = ",".join(sorted(self.images.platforms))
        facts = {"base": base.reference, "platforms": platforms}
        tag = content_tag(self.root, facts, part.dockerfile)
        image = f"{repository}:{tag}"
        digest = None if self.rebuild else self.docker.digest(image)
        digest = digest or self.docker.build(
            self.root,
            repository,
            (tag, "latest"),
            self.images.platforms,
            {**base.arguments, **source_of(self.root), "VERSION": tag},
            part.dockerfile,
            attest=self.images.attest,
            fresh=self.rebuild,
        )
        return f"{repository}@{digest}"


def beside(repository: str, name: str) -> str:
    """The repository called `name` where the worker's is."""
    return "".join(repository.rpartition("/")[:2]) + name


def completed(manifest: str, image: str, pull_secret: str | None) -> str:
    """The manifest with this image, and the Secret that pulls it; comments stay."""
    manifest = _IMAGE.sub(rf"\g<1>{image}", manifest)
    if pull_secret:
        line = rf"\g<0>\g<1>imagePullSecrets: [{{name: {pull_secret}}}]\n"
        manifest = _LINKS.sub(line, manifest)
    return manifest
