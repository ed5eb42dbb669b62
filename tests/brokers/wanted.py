"""Which brokers the tests try: a few always, the others by `make test-brokers`."""

import os

import pytest

from tests.brokers.servers import SERVERS
from tests.brokers.servers.server import MissingError, Server

ALWAYS = ("mosquitto", "rabbitmq", "artemis")
_WANTED = os.environ.get("BROKERS", " ".join(ALWAYS)).split()


def prepared(name: str) -> type[Server]:
    """The broker, ready to be started; one that is not wanted or missing is a skip."""
    if name not in _WANTED:
        pytest.skip(f"{name}: only with make test-brokers")
    kind = SERVERS[name]
    try:
        kind.prepare()
    except MissingError as missing:
        pytest.skip(str(missing))
    return kind
