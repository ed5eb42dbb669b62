"""Hosts and addresses as settings name them, and what a URL is told instead."""

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Any

from common.options import option

# Scheme, user and password, host, port, path. A password may have any character, so
# what stands before the last @ is one piece; with an @ behind ? nothing is certain.
_URL = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?:(?P<login>[^?#]*)@)?"
    r"(?P<host>[^\s/:?#@\[\]]+|\[[0-9a-f:.]+\])(?::(?P<port>\d+))?"
    r"(?:/(?P<path>[^?#@]*))?(?:[?#][^@]*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Host:
    """Reads a host's name or address; a URL is refused, and its parts are offered."""

    name: str
    """The setting that it is for. The others take the other parts of a URL."""

    port: str | None = None
    login: str | None = None
    path: str | None = None
    schemes: Mapping[str, str] = field(default_factory=dict)
    """By scheme, the setting that says the same."""

    def __call__(self, text: str) -> str:
        """The host, an IPv6 address without brackets.

        Raises:
            ValueError: it is none; says what was expected.
        """
        if not is_host(text):
            offered = ", ".join(self._parts(text))
            if offered:
                raise ValueError(
                    f"a host's name or address alone; its parts: {offered}"
                )
            raise ValueError("a host's name or address alone")
        return text.removeprefix("[").removesuffix("]")

    def _parts(self, text: str) -> Iterator[str]:
        found = _URL.fullmatch(text.strip(" \t\r\n\"'"))
        if not found or not is_host(found["host"]):
            return
        yield f"{self.name}={found['host'].strip('[]')}"
        if self.port and found["port"]:
            yield f"{self.port}={found['port']}"
        if meant := self.schemes.get((found["scheme"] or "").lower()):
            yield meant
        if self.path and found["path"]:
            yield f"{self.path}={found['path']}"
        if self.login and found["login"] is not None:
            yield f"its login in {self.login}"


def is_host(text: str) -> bool:
    """Whether this is a name that can be looked up, or an address, without a port."""
    try:
        IPv6Address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return re.fullmatch(r"\w(?:[\w.-]*[\w.])?", text) is not None and _fits(text)
    return True


def _fits(name: str) -> bool:
    try:
        # What every look-up does first, where it would end in a traceback.
        name.encode("idna")
    except UnicodeError:
        return False
    return True


def http_url(login: str | None = None) -> Callable[[str], str]:
    """Read an address over HTTP; `login` names the settings that take its user."""

    def parse(text: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", text):
            elsewhere = f": that is for {login}" if login else ""
            raise ValueError(
                "http://host:port or https://host:port/prefix, without a login"
                f"{elsewhere}"
            )
        return text

    return parse


def own_node() -> Any:  # noqa: ANN401 - a field of any settings
    """A dataclass field for the name of the node that a program runs on."""
    return option(
        "NODE_NAME",
        "--node-name",
        "name of this node, which its rows and its loads are told under",
        default="host name",
        parse=_node,
    )


def _node(text: str) -> str:
    # `auto` was the node agent's word.
    return socket.gethostname() if text in ("host name", "auto") else text
