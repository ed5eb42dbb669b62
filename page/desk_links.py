"""Links to one desk's own page: signed, for a time, and revocable.

A link is `<page>/desk#<token>`. What follows the # never leaves the browser by itself,
so it is in no log of a server or a proxy. The token says desk, generation and end, with
an HMAC-SHA256 over them. A file lists the generation of each desk: revoking is counting
on, and a desk that is not listed has no link.
"""

import base64
import binascii
import hmac
import json
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.errors import OperatorError
from common.files import write_text
from page.desk_settings import DeskSettings

log = logging.getLogger(__name__)

_VERSION = "1"
_LONGEST = 1000  # characters of a token
_PURPOSE = b"posture desk link "  # so that the secret signs nothing else by chance


@dataclass(frozen=True)
class Desk:
    """What a good token is for."""

    pi: str
    ends: datetime


class DeskLinks:
    """Signs tokens and believes them."""

    def __init__(self, settings: DeskSettings) -> None:
        self._settings = settings
        self._key = (settings.secret or "").encode()
        self._lock = threading.Lock()

    @property
    def exist(self) -> bool:
        """Whether a secret is set."""
        return bool(self._key)

    def make(self, pi: str, now: datetime) -> str:
        """The address of a desk's page, with a token; lists the desk.

        Raises:
            OperatorError: there is no secret, or the list cannot be read or written.
        """
        if not self._key:
            raise OperatorError(
                "PAGE_DESK_SECRET (--desk-secret-file) is not set: make one with "
                "`openssl rand -base64 33`, and give the page the same"
            )
        listed = self._listed()
        if pi not in listed:
            self._write(listed | {pi: 1})
        ends = int((now + timedelta(days=self._settings.days)).timestamp())
        token = self._token(pi, listed.get(pi, 1), ends)
        return f"{self._settings.address.rstrip('/')}/desk#{token}"

    def revoke(self, pi: str) -> bool:
        """End all links of a desk; False if it never had one.

        Raises:
            OperatorError: the list cannot be read or written.
        """
        listed = self._listed()
        if pi not in listed:
            return False
        self._write(listed | {pi: listed[pi] + 1})
        return True

    def desk(self, token: str, now: datetime) -> Desk | None:
        """What a token is for; None if it is none of ours, over, or revoked."""
        if not self._key or len(token) > _LONGEST:
            return None
        said, _, signature = token.rpartition(".")
        wanted = self._sign(said)
        if not said or not hmac.compare_digest(wanted.encode(), signature.encode()):
            return None
        _version, pi, generation, ends = json.loads(_decoded(said))
        end = datetime.fromtimestamp(ends, UTC)
        try:
            listed = self._listed()
        except OperatorError as error:
            log.error("no desk is let in: %s", error)  # noqa: TRY400 - a message
            return None
        return Desk(pi, end) if now < end and listed.get(pi) == generation else None

    def _token(self, pi: str, generation: int, ends: int) -> str:
        said = _encoded(json.dumps([_VERSION, pi, generation, ends]).encode())
        return f"{said}.{self._sign(said)}"

    def _sign(self, said: str) -> str:
        return _encoded(hmac.digest(self._key, _PURPOSE + said.encode(), "sha256"))

    def _listed(self) -> dict[str, int]:
        path = self._settings.file
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return {str(pi): int(number) for pi, number in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise OperatorError(
                f"PAGE_DESKS_FILE {path} cannot be read: {error}; it is a JSON object "
                'such as {"desk3": 1}'
            ) from error

    def _write(self, listed: dict[str, int]) -> None:
        with self._lock:
            write_text(self._settings.file, json.dumps(listed, indent=1) + "\n")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):  # signed by us, so it never is
        return b"[]"
