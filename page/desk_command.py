"""`live_page.py desk-link` and `desk-revoke`: links to one desk's own page."""

import sys
from datetime import UTC, datetime

import segno

from common.errors import OperatorError
from common.picture_topics import is_safe
from page.desk_links import DeskLinks
from page.desk_settings import DeskSettings


def print_link(settings: DeskSettings, pi: str) -> int:
    """Print a desk's address, and in a terminal as a QR code too.

    Raises:
        OperatorError: there is no secret, or no camera can have this name.
    """
    address = DeskLinks(settings).make(_checked(pi), datetime.now(UTC))
    print(address)  # noqa: T201 - asked for
    if sys.stdout.isatty():
        segno.make(address, error="m").terminal(compact=True)
    return 0


def revoke(settings: DeskSettings, pi: str) -> int:
    """End all links of a desk.

    Raises:
        OperatorError: it has none.
    """
    if not DeskLinks(settings).revoke(_checked(pi)):
        raise OperatorError(f"{pi!r} has no link: {settings.file} does not list it")
    print(f"the links of {pi} have ended")  # noqa: T201 - asked for
    return 0


def _checked(pi: str) -> str:
    if not is_safe(pi):
        raise OperatorError(f"{pi!r} is no camera's name, such as desk3")
    return pi
