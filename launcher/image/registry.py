"""Registries: which one an image is in, who is logged in, and what they answer."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launcher.preflight import CheckError, Doubt

_HUB = "docker.io"
_HUB_LOGIN = "https://index.docker.io/v1/"  # what `docker login` files it under
_HUB_NAMES = (_HUB, "index.docker.io", "registry-1.docker.io")
_QUICK = 5.0  # seconds for a credential helper
# What registries say of a repository or a tag that is not there. Many do not tell a
# stranger what is missing and what is private: the push will say which it is.
_ABSENT = (
    ": not found",
    "manifest unknown",
    "name unknown",
    "401 unauthorized",
    "403 forbidden",
    "insufficient_scope",
    "repository does not exist",
    "unauthorized: ",
    "denied: ",
)
_CREDENTIALS = ("docker-credential", "error getting credentials")


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


def is_absent(said: str) -> bool:
    """Whether a registry says that an image is not there, or not to be seen."""
    words = said.lower()
    return not is_about_credentials(said) and any(each in words for each in _ABSENT)


def is_about_credentials(said: str) -> bool:
    """Whether Docker could not ask for the login at all."""
    return any(each in said.lower() for each in _CREDENTIALS)


def check_login(repository: str, environ: Mapping[str, str]) -> str:
    """Whether this user has logged in to the registry of `repository`.

    Raises:
        CheckError: not logged in, or Docker could not use the login.
        Doubt: no login is known, and it may want none.
    """
    registry = registry_of(repository)
    if is_local(registry):
        return f"{registry} is on this machine"
    folder = Path(environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    settings = _read(folder / "config.json")
    helper = _part(settings, "credHelpers").get(login_key(registry))
    store = helper or settings.get("credsStore")
    known = set(map(_host, _part(settings, "auths")))
    if store:
        known |= set(map(_host, _ask_store(str(store), folder, environ)))
    # A helper for one registry makes its login when it is asked.
    if helper or registry in known:
        return f"logged in to {registry}"
    problem = f"no login for {registry} is known"
    if registry == _HUB:
        raise CheckError(problem, "docker login")
    raise Doubt(problem, f"if it wants one: docker login {registry}")


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text()
        settings = json.loads(text) if text.strip() else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CheckError(
            f"{file} cannot be read: {error}", "mend or remove it, then: docker login"
        ) from error
    return settings if isinstance(settings, dict) else {}


def _part(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = settings.get(name)
    return found if isinstance(found, dict) else {}


def _host(server: str) -> str:
    """The registry that a login is filed under: as host, or as URL."""
    host = server.partition("://")[2] or server
    host = host.partition("/")[0]
    return _HUB if host in _HUB_NAMES else host


def _ask_store(store: str, folder: Path, environ: Mapping[str, str]) -> list[str]:
    """What a credential helper has logins for; only names are asked for."""
    program = f"docker-credential-{store}"
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None:
        raise CheckError(
            f"{folder / 'config.json'} keeps logins in {program}, which is not there: "
            "Docker can use none of them",
            f"install {program}, or take credsStore and credHelpers out of that file, "
            "then: docker login",
        )
    try:
        done = subprocess.run(
            [path, "list"],
            capture_output=True,
            text=True,
            check=True,
            timeout=_QUICK,
            stdin=subprocess.DEVNULL,
            env=dict(environ),
        )
        listed = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Doubt(
            f"{program} does not tell its logins ({type(error).__name__})",
            "see whether it is unlocked: docker login",
        ) from error
    return list(listed) if isinstance(listed, dict) else []
