"""By which address others reach this machine."""

import ipaddress
import socket
from collections.abc import Sequence

import psutil

from common.errors import OperatorError


def own_address(machines: Sequence[str]) -> str:
    """The address of this machine that other `machines` see; one may be itself.

    Raises:
        OperatorError: it cannot be told.
    """
    interfaces = psutil.net_if_addrs().values()
    mine = {each.address for found in interfaces for each in found}
    for address in machines:
        if address in mine and not address.startswith("127."):
            return address
    # Names last: to look one up can take seconds.
    for address in sorted(machines, key=_is_name):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((address, 9))  # nothing is sent
            except OSError:
                continue
            own: str = probe.getsockname()[0]
            if not own.startswith("127."):
                return own
    raise OperatorError(
        "cannot tell by which address KEDA reaches this machine: set SCALER_HOST"
    )


def _is_name(address: str) -> bool:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return True
    return False
