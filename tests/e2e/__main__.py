"""`python -m tests.e2e --seed 1`.

Exit code 0: all good. 1: a picture is lost or doubled, or a scene was not as it should
be. 2: wrong arguments, or something is missing. 130 or 143: stopped by a signal, after
everything that was started has been ended.
"""

import argparse
import os
import sys

import tests.e2e
from tests.e2e import keda
from tests.e2e.run import run
from tests.e2e.scenes import SCENES
from tests.fixtures.control_plane import binaries
from tests.fixtures.ended import end_on_signals


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    programs = binaries()
    if missing := keda.missing(os.environ):
        return _refuse(missing)
    if not programs:
        return _refuse("the control plane is not built: tests/cluster/build.sh")
    end_on_signals()
    scenes = arguments.only or [*SCENES]
    try:
        account = run(
            programs,
            scenes,
            arguments.seconds,
            arguments.seed,
            arguments.rate,
            os.environ,
        )
    except AssertionError as error:
        print(f"NOT GOOD: {error}", file=sys.stderr)
        return 1
    print(account)
    return 0 if account.good else 1


def _refuse(words: str) -> int:
    print(words, file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    scenes = "\n".join(f"  {name:16} {made.__doc__}" for name, made in SCENES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.e2e",
        description=tests.e2e.__doc__,
        epilog=f"scenes:\n{scenes}\n\n{__doc__.partition(chr(10))[2].strip()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seconds", type=float, default=0, help="play scenes again until then"
    )
    parser.add_argument("--seed", type=int, default=1, help="the order of the scenes")
    parser.add_argument("--rate", type=float, default=2, help="pictures a second")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=SCENES,
        metavar="SCENE",
        help="this scene, and others named so",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
