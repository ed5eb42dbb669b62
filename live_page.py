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
from page.settings import PageSettings

log = logging.getLogger("page")


def main(argv: list[str] | None = None) -> int:
    """Serve the page until stopped."""
    parser = cli.parser(__doc__)
    parser.add_argument(
        "--make-hash",
        action="store_true",
        help="ask for a password, print the hash for PAGE_PASSWORD_HASH, and end",
    )
    options.add_arguments(parser, PageSettings)
    arguments = parser.parse_args(argv)
    cli.log_to_stderr("info", "%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    run = _make_hash if arguments.make_hash else lambda: _serve(arguments)
    return cli.exit_code(run, log.error)


def _make_hash() -> int:
    from page.login import make_hash

    typed = sys.stdin.isatty()
    password = getpass.getpass("Password: ") if typed else sys.stdin.readline()
    print(make_hash(password.rstrip("\n")))  # noqa: T201 - asked for
    return 0


def _serve(arguments: argparse.Namespace) -> int:
    settings = cli.read(PageSettings, arguments)
    from page.server import serve

    serve(settings)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
