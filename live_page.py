"""The live page: cameras, days, table and nodes in a browser.

Reads the database and the annotated pictures, and sends pictures from the browser to
the broker. Only this machine can reach it, unless --listen says otherwise.

Exit codes: 0 ended as asked, 1 cannot work here, 2 wrong settings.
"""

import argparse
import getpass
import logging
import sys

from common import cli, options
from page.desk_settings import DeskSettings
from page.settings import PageSettings

log = logging.getLogger("page")

_COMMANDS = {
    "serve": "the live page (the default)",
    "desk-link": "print the address, in a terminal with a QR code, by which somebody "
    "sees the desk PI alone; needs PAGE_DESK_SECRET and PAGE_ADDRESS",
    "desk-revoke": "end all links of the desk PI",
}


def main(argv: list[str] | None = None) -> int:
    """Serve the page until stopped."""
    parser = cli.parser(
        __doc__, "\n".join(f"{name}: {what}" for name, what in _COMMANDS.items())
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=tuple(_COMMANDS),
        default="serve",
        help="see below",
    )
    parser.add_argument("pi", nargs="?", help="only for desks: the camera's name")
    parser.add_argument(
        "--make-hash",
        action="store_true",
        help="ask for a password, print the hash for PAGE_PASSWORD_HASH, and end",
    )
    options.add_arguments(parser, PageSettings)
    arguments = parser.parse_args(argv)
    cli.log_to_stderr("info", "%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    if (arguments.pi is None) != (arguments.command == "serve"):
        parser.error("desk-link and desk-revoke take a camera's name; serve takes none")
    if arguments.make_hash:
        return cli.exit_code(_make_hash, log.error)
    run = _serve if arguments.command == "serve" else _desk
    return cli.exit_code(lambda: run(arguments), log.error)


def _make_hash() -> int:
    from page.login import make_hash

    typed = sys.stdin.isatty()
    password = getpass.getpass("Password: ") if typed else sys.stdin.readline()
    print(make_hash(password.rstrip("\n")))  # noqa: T201 - asked for
    return 0


def _desk(arguments: argparse.Namespace) -> int:
    settings = cli.read(DeskSettings, arguments)
    from page.desk_command import print_link, revoke

    act = print_link if arguments.command == "desk-link" else revoke
    return act(settings, arguments.pi)


def _serve(arguments: argparse.Namespace) -> int:
    settings = cli.read(PageSettings, arguments)
    from page.server import serve

    serve(settings)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
