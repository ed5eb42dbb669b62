"""The image on its way to the cluster: named by its content, built once, by digest."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common import private
from common.files import write_text
from launcher.image.docker import Docker
from launcher.image.origin import Base, base_of, source_of
from launcher.settings import CONTENT, ImageSettings


def content_tag(
    root: Path, arguments: Mapping[str, str], dockerfile: str = "Dockerfile"
) -> str:
    """12 hexadecimal digits of everything that decides what is in the image."""
    digest = hashlib.sha256()
    for name, value in sorted(arguments.items()):
        digest.update(f"{name}={value}\0".encode())
    for path in _files(root, inputs(root, dockerfile)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\0".encode())
    return digest.hexdigest()[:12]


def inputs(root: Path, dockerfile: str = "Dockerfile") -> list[str]:
    """What an image is made of: its Dockerfile, and what .dockerignore lets through.

    A bundle in models/ is made from the build argument alone, wherever that is done.
    """
    own = f"{dockerfile}.dockerignore"
    ignored = own if (root / own).exists() else ".dockerignore"
    lines = (root / ignored).read_text().splitlines()
    through = [line.removeprefix("!") for line in lines if line.startswith("!")]
    named = [each for each in through if not each.startswith("models/")]
    return [dockerfile, ignored, *named]


def _files(root: Path, names: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for name in names:
        path = root / name
        found += [path] if path.is_file() else filter(_goes_in, path.rglob("*"))
    return sorted(found)


def _goes_in(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


@dataclass(frozen=True)
class Shipping:
    """Builds and pushes the worker's image."""

    settings: ImageSettings
    model: str
    """The pose model that is baked in."""

    root: Path
    """The folder with the Dockerfile."""

    note: Path
    """File that remembers what was pushed last."""

    docker: Docker
    rebuild: bool = False
    """Whether to build though the registry has the same content."""

    def ship(self) -> str:
        """Build and push, unless the registry has the same content already.

        Raises:
            OperatorError: the build, the push or the trial failed.
        """
        base = self._base()
        repository, tag = self.settings.repository, self._tag(base)
        digest = None if self.rebuild else self._pushed(tag)
        did = "is in the registry already" if digest else "built and pushed"
        if digest is None:
            digest = self.docker.build(
                self.root,
                repository,
                (tag, "latest"),
                self.settings.platforms,
                {
                    "MODELS": self.model,
                    **base.arguments,
                    **source_of(self.root),
                    "VERSION": tag,
                },
                attest=self.settings.attest,
                fresh=self.rebuild,
            )
        image = f"{repository}@{digest}"
        tried = self.docker.try_image(image)
        write_text(self.note, json.dumps({"image": image, "tag": tag}))
        return f"{repository}:{tag} {did}, {tried}"

    def preview(self) -> str:
        """What `ship` would do.

        Raises:
            OperatorError: the registry does not answer.
        """
        tag = self._tag(self._base())
        if not self.rebuild and self._pushed(tag):
            return f"{self.settings.repository}:{tag} is in the registry already"
        return (
            f"would build {self.settings.repository}:{tag} and :latest with the model "
            f"{self.model} for {', '.join(self.settings.platforms)}, and push them"
        )

    def image(self) -> str:
        """What the Jobs run: the digest that was pushed last, else the tag."""
        settings = self.settings
        try:
            noted = json.loads(private.read_text(self.note) or "{}")
            image, tag = str(noted["image"]), noted["tag"]
        except (OSError, ValueError, KeyError, TypeError):
            image, tag = "", None
        known = settings.tag in (CONTENT, tag)
        if known and image.startswith(f"{settings.repository}@"):
            return image
        named = "latest" if settings.tag == CONTENT else settings.tag
        return f"{settings.repository}:{named}"

    def _base(self) -> Base:
        return base_of(self.root, "Dockerfile", self.settings.base, self.docker)

    def _tag(self, base: Base) -> str:
        if self.settings.tag != CONTENT:
            return self.settings.tag
        platforms = ",".join(sorted(self.settings.platforms))
        facts = {"MODELS": self.model, "platforms": platforms, "base": base.reference}
        return content_tag(self.root, facts)

    def _pushed(self, tag: str) -> str | None:
        # A tag of the user's own may mean something else by now: built every time.
        if self.settings.tag != CONTENT:
            return None
        return self.docker.digest(f"{self.settings.repository}:{tag}")
