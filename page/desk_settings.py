"""The settings of desk links: who signs them, for how long, and who deletes."""

from dataclasses import dataclass
from pathlib import Path

from common.hosts import http_url
from common.options import integer, option

_SHORTEST = 32  # characters, so that guessing is hopeless


def _long(text: str) -> str:
    if len(text) < _SHORTEST or not text.isascii():
        raise ValueError(
            f"{_SHORTEST} ASCII characters or more, as `openssl rand -base64 33` prints"
        )
    return text


@dataclass(frozen=True)
class DeskSettings:
    """What a link to one's own desk needs."""

    secret: str | None = option(
        "PAGE_DESK_SECRET",
        "--desk-secret",
        "signs the links of desks, 32 characters or more; without it there are none",
        default=None,
        parse=_long,
        secret=True,
    )
    file: Path = option(
        "PAGE_DESKS_FILE",
        "--desks-file",
        "file that lists the desks with links; desk-link and desk-revoke write it",
        default="desks.json",
        parse=Path,
    )
    days: int = option(
        "PAGE_DESK_DAYS",
        "--desk-days",
        "days after which a new link ends",
        default="365",
        parse=integer(1, 3650),
    )
    address: str = option(
        "PAGE_ADDRESS",
        "--address",
        "where people reach the page, for the links of desks",
        default="http://127.0.0.1:8090",
        parse=http_url(),
    )
    keeper_user: str | None = option(
        "PAGE_KEEPER_USER",
        "--keeper-user",
        "user of the database that deletes what a desk asks to have deleted, such as "
        "posture_keeper; without it the page deletes nothing",
        default=None,
    )
    keeper_password: str | None = option(
        "PAGE_KEEPER_PASSWORD",
        "--keeper-password",
        "password of PAGE_KEEPER_USER",
        default=None,
        secret=True,
    )
