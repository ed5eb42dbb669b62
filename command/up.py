"""Start it on a cluster: build_and_push.py, which needs the checkout it builds from."""

import sys
from pathlib import Path

from common import cli

_PASSED = {"--help", "-h", "--help-all", "--version", "--doctor", "--skip-build"}


def main(argv: list[str] | None = None) -> int:
    """Hand over, or say where it can be done."""
    import build_and_push

    words = sys.argv[1:] if argv is None else argv
    there = (Path(build_and_push.__file__).parent / "Dockerfile").exists()
    if not there and not _PASSED & set(words):
        cli.print_error(
            "posture up builds the image from a checkout, and this is an installed "
            "package: run python build_and_push.py in one, or give --skip-build"
        )
        return cli.WRONG_SETTINGS
    return build_and_push.main(words)
