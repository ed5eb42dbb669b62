"""Where an image comes from: its base image by digest, and the source's revision."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from common.errors import OperatorError
from common.texts import without_login
from launcher.image.docker import Docker

_BASE = re.compile(r"^ARG PYTHON_IMAGE=(\S+)", re.MULTILINE)
_QUICK = 10.0  # seconds for git


@dataclass(frozen=True)
class Base:
    """The image that ours is built on."""

    name: str
    digest: str | None
    """None: not to be seen in its registry, such as one that this engine alone has."""

    @property
    def reference(self) -> str:
        """What the build is told: the very image that was looked at, if it was."""
        if self.digest is None:
            return self.name
        return f"{self.name}@{self.digest}"

    @property
    def arguments(self) -> Mapping[str, str]:
        """Build arguments: what to build on, and what the labels say of it."""
        return {
            "PYTHON_IMAGE": self.reference,
            "BASE_NAME": self.name,
            "BASE_DIGEST": self.digest or "unknown",
        }


def base_of(root: Path, dockerfile: str, given: str | None, docker: Docker) -> Base:
    """The base image: the one that is given, or else the Dockerfile's."""
    found = _BASE.search((root / dockerfile).read_text())
    name = given or (found[1] if found else "")
    if "@" in name:
        name, _, digest = name.partition("@")
        return Base(name, digest)
    try:
        return Base(name, docker.digest(name))
    except OperatorError:  # the build itself will say what it cannot reach
        return Base(name, None)


def source_of(root: Path) -> Mapping[str, str]:
    """Build arguments for the labels: the commit, and the repository that it is in."""
    revision = _git(root, "rev-parse", "HEAD") or "unknown"
    if revision != "unknown" and _git(root, "status", "--porcelain"):
        revision += "-dirty"
    remote = _git(root, "remote", "get-url", "origin")
    return {"REVISION": revision, "SOURCE": without_login(remote)}


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_QUICK,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
