"""Whether a camera's pictures can be judged: by files, or by the next that it sends.

Changes nothing, at the broker neither. Exit codes: 0 most would be judged, 1 not, or no
picture came, 2 wrong settings.
"""

from pathlib import Path

from common import cli, options

_PICTURES = (".jpg", ".jpeg", ".png")
_EPILOG = """\
examples:
  posture view desk3
  posture view photo.jpg another.jpg
"""


def main(argv: list[str] | None = None) -> int:
    """Look, and print what to change."""
    from posture.view import CameraViewSettings, check_view

    parser = cli.parser(__doc__, _EPILOG)
    parser.add_argument(
        "what", nargs="+", metavar="CAMERA|PICTURE", help="a camera, or picture files"
    )
    options.add_arguments(parser, CameraViewSettings)
    arguments = parser.parse_args(argv)
    named = arguments.what
    is_camera = len(named) == 1 and Path(named[0]).suffix.lower() not in _PICTURES
    arguments.pi = named[0] if is_camera else ""
    arguments.pictures = [] if is_camera else named
    return cli.exit_code(lambda: check_view(arguments), cli.print_error)
