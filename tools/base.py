"""Pins the image that ours are built on by digest: `python -m tools.base`.

Asks the registry for the digest of the name in each Dockerfile, and writes it there.
The launcher does the same for each build; this is for a `docker build` by hand.
"""

import argparse
import re
from pathlib import Path

from common import cli
from common.errors import OperatorError
from launcher.image.docker import Docker

_ROOT = Path(__file__).parents[1]
DOCKERFILES = (
    "Dockerfile",
    "deploy/page.Dockerfile",
    "deploy/placement.Dockerfile",
    "deploy/node-agent/Dockerfile",
)
_BASE = re.compile(r"^(ARG PYTHON_IMAGE=)([^@\s]+)(@\S+)?$", re.MULTILINE)


def main(argv: list[str] | None = None) -> int:
    """Write the digest into every Dockerfile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, default=_ROOT / "local" / "base.log")
    docker = Docker(parser.parse_args(argv).log)
    return cli.exit_code(lambda: _pin_all(docker, _ROOT), cli.print_error)


def _pin_all(docker: Docker, root: Path) -> int:
    for name in DOCKERFILES:
        path = root / name
        path.write_text(pinned(path.read_text(), docker))
    return 0


def pinned(text: str, docker: Docker) -> str:
    """A Dockerfile whose base has the digest that its registry gives today.

    Raises:
        OperatorError: the registry does not answer, or does not have it.
    """
    found = _BASE.search(text)
    if found is None:
        raise OperatorError("the Dockerfile has no ARG PYTHON_IMAGE=")
    digest = docker.digest(found[2])
    if digest is None:
        raise OperatorError(f"no registry has {found[2]}")
    return _BASE.sub(rf"\g<1>\g<2>@{digest}", text)


if __name__ == "__main__":
    raise SystemExit(main())
