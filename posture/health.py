"""`python -m posture.health`: whether the worker of this container is at work.

It is when it has its connection to the broker: it opens that one last, once the models
are loaded and the folders can be written, and a worker that is stuck loses it within a
keepalive. A database that is away is no fault of the worker, which waits for it.

The kernel's list of connections tells, so the worker needs no port to ask at. Exit
codes: 0 connected, 1 not.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from common import cli, options
from common.broker_settings import BrokerSettings

_LISTS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"  # st in these lists, from the kernel's tcp_states.h


def connected_ports(lists: Iterable[Path] = _LISTS) -> Iterator[int]:
    """Ports of other machines that something in this network namespace talks to."""
    for path in lists:
        if path.exists():
            for line in path.read_text().splitlines()[1:]:
                _, _, remote, state = line.split()[:4]
                if state == _ESTABLISHED:
                    yield int(remote.rpartition(":")[2], 16)


def main(argv: list[str] | None = None) -> int:
    """Say whether the worker is connected to the broker that the environment names."""
    cli.parser(__doc__).parse_args(argv)
    broker = options.read(BrokerSettings, argparse.Namespace(), os.environ)
    if broker.port in connected_ports():
        return 0
    print(  # noqa: T201 - Docker keeps what a health check prints
        f"no connection to the broker at {broker.host}:{broker.port}", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
