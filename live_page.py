"""The live page: cameras, days, table and nodes in a browser.

Reads the database and the annotated pictures, and sends pictures from the browser to
the broker. Only this machine can reach it, unless --listen says otherwise.

Exit codes: 0 ended as asked, 1 cannot work here, 2 wrong settings.
"""

import argparse
import getpass
import logging
import os
import sys

from common import options
from page.errors import PageError
from page.settings import PageSettings

log = logging.getLogger("page")


def main(argv: list[str] | None = None) -> int:
    """Serve the page until stopped."""
    summary, _, details = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(description=summary, epilog=details)
    parser.add_argument(
        "--make-hash",
        action="store_true",
        help="ask for a password, print the hash for PAGE_PASSWORD_HASH, and end",
    )
    options.add_arguments(parser, PageSettings)
    arguments = parser.parse_args(argv)
    logging.basicConfig(
        level="INFO", format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    try:
        if arguments.make_hash:
            return _make_hash()
        return _serve(options.read(PageSettings, arguments, os.environ))
    except options.SettingsError as error:
        print(f"settings:\n{error}", file=sys.stderr)  # noqa: T201 - for the terminal
        return 2
    except PageError as error:
        log.error("%s", error)  # noqa: TRY400 - a message, not a traceback
        return 1


def _make_hash() -> int:
    from page.login import make_hash

    typed = sys.stdin.isatty()
    password = getpass.getpass("Password: ") if typed else sys.stdin.readline()
    print(make_hash(password.rstrip("\n")))  # noqa: T201 - asked for
    return 0


def _serve(settings: PageSettings) -> int:
    from page.server import serve

    serve(settings)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
