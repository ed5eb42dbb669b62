"""Have a camera judged by how its own person reads when sitting well.

Sit upright for the next ten pictures, or name pictures of that. Exit codes: 0 kept, 1
the pictures give no baseline, 2 wrong settings.
"""

from common import cli, options

_EPILOG = """\
examples:
  posture calibrate desk3
  posture calibrate desk3 sitting-well/
  posture calibrate desk3 --off
"""


def main(argv: list[str] | None = None) -> int:
    """Look, and keep the baseline."""
    from posture.calibrate import CameraCalibrateSettings, check_calibrate

    parser = cli.parser(__doc__, _EPILOG)
    parser.add_argument("pi", metavar="CAMERA")
    parser.add_argument(
        "pictures", nargs="*", metavar="PICTURE", help="picture files or folders"
    )
    parser.add_argument(
        "--off", action="store_true", help="the usual limits count again"
    )
    options.add_arguments(parser, CameraCalibrateSettings)
    arguments = parser.parse_args(argv)
    return cli.exit_code(lambda: check_calibrate(arguments), cli.print_error)
