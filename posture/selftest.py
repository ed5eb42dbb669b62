"""`python -m posture.selftest`: whether everything is here to find a pose.

Loads the model that the environment names and looks at an empty picture. Exit codes:
0 it works, 1 it does not.
"""

import os
import sys
from pathlib import Path

from common import cli
from common.errors import OperatorError
from posture.models import bundle_path
from posture.worker.finder import try_model
from posture.worker.native_log import take_over_stderr


def main(argv: list[str] | None = None) -> int:
    """Find the landmarks of nobody."""
    cli.parser(__doc__).parse_args(argv)
    said = take_over_stderr()
    folder = Path(os.environ.get("MODELS_FOLDER") or "models")
    # Whichever the image was built with.
    bundles = sorted(folder.glob(bundle_path(Path(), "*").name))
    try:
        for bundle in bundles:
            try_model(bundle)
    except (OperatorError, ImportError, OSError) as error:
        print(error, file=said)
        return 1
    if not bundles:
        print(f"no pose model in {folder}", file=said)
    return 0 if bundles else 1


if __name__ == "__main__":
    sys.exit(main())
