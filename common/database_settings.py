"""How to reach PostgreSQL, for everything that talks to it."""

from dataclasses import dataclass
from typing import ClassVar

from common import options
from common.hosts import Host
from common.options import decimal, one_of, option

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def _database_host(text: str) -> str:
    if text.startswith(("http://", "https://")):
        raise ValueError(
            "the database's host, not the API's address: Supabase shows it in Connect"
        )
    if text.startswith("/"):  # the folder of a Unix socket
        return text
    read = Host(
        "SUPABASE_HOST",
        "SUPABASE_PORT",
        "SUPABASE_USER and SUPABASE_PASSWORD",
        "SUPABASE_DB",
    )
    # libpq takes several hosts and tries one after the other.
    several = [text] if "@" in text or "://" in text else text.split(",")
    return ",".join(map(read, several))


@dataclass(frozen=True)
class DatabaseSettings:
    """How to reach PostgreSQL."""

    apart: ClassVar = True

    host: str = option(
        "SUPABASE_HOST",
        "--supabase-host",
        "host of PostgreSQL",
        parse=_database_host,
    )
    name: str = option("SUPABASE_DB", "--supabase-db", "name of the database")
    user: str = option("SUPABASE_USER", "--supabase-user", "user of the database")
    password: str = option(
        "SUPABASE_PASSWORD", "--supabase-password", "database password", secret=True
    )
    port: int = option(
        "SUPABASE_PORT",
        "--supabase-port",
        "port of PostgreSQL or its pooler",
        default="5432",
        parse=options.port,
    )
    sslmode: str = option(
        "SUPABASE_SSL",
        "--supabase-ssl",
        f"libpq's sslmode: {', '.join(_SSL_MODES)}",
        default="require",
        parse=one_of(*_SSL_MODES),
    )
    ca_file: str | None = option(
        "SUPABASE_CA_FILE",
        "--supabase-ca-file",
        "PEM file with the database's CA, for verify-ca and verify-full",
        default=None,
    )
    deadline: float = option(
        "SUPABASE_DEADLINE",
        "--supabase-deadline",
        "seconds after which a silent database counts as gone",
        default="15",
        parse=decimal(1, 300),
    )
