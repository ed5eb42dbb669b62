"""Names of images, and the tag that says what is in one. Pure but for reading files."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

INPUTS = (
    "Dockerfile",
    "common",
    "constraints.txt",
    "mqtt_posture_analyzer_with_db.py",
    "posture",
    "retention.py",
)
"""What the image is made of; .dockerignore lets exactly this through, and models/."""

_HUB = "docker.io"
_HUB_LOGIN = "https://index.docker.io/v1/"  # what `docker login` files it under


def content_tag(
    root: Path, arguments: Mapping[str, str], inputs: Iterable[str] = INPUTS
) -> str:
    """12 hexadecimal digits of everything that decides what is in the image."""
    digest = hashlib.sha256()
    for name, value in sorted(arguments.items()):
        digest.update(f"{name}={value}\0".encode())
    for path in _files(root, inputs):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\0".encode())
    return digest.hexdigest()[:12]


def _files(root: Path, inputs: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for name in inputs:
        path = root / name
        found += [path] if path.is_file() else filter(_goes_in, path.rglob("*"))
    return sorted(found)


def _goes_in(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def registry_of(repository: str) -> str:
    """The host that a repository is on."""
    host, slash, _ = repository.partition("/")
    named = slash and ("." in host or ":" in host or host == "localhost")
    return host if named else _HUB


def login_key(registry: str) -> str:
    """The name under which Docker's config.json keeps the login for a registry."""
    return _HUB_LOGIN if registry == _HUB else registry


def is_local(registry: str) -> bool:
    """Whether the registry is on this machine, where Docker asks for no TLS."""
    return registry.partition(":")[0] in ("localhost", "127.0.0.1", "[::1]")
