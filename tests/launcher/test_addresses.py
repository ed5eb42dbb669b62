"""The address of this machine, as the nodes of a cluster see it."""

import socket

import psutil
import pytest

from common.errors import OperatorError
from launcher.deploy import own_address


def outer_addresses():
    """IPv4 addresses of this machine that others could reach it at."""
    return [
        each.address
        for found in psutil.net_if_addrs().values()
        for each in found
        if each.family == socket.AF_INET and not each.address.startswith("127.")
    ]


def test_a_machine_that_is_a_node_itself_is_reached_at_its_own_address():
    mine = outer_addresses()
    if not mine:
        pytest.skip("this machine has no address but loopback")
    assert own_address(["127.0.0.1", "node-1.invalid", mine[-1]]) == mine[-1]


def test_it_is_the_address_on_the_way_to_the_nodes():
    mine = outer_addresses()
    if not mine:
        pytest.skip("this machine has no address but loopback")
    # A neighbour of ours: nothing is sent there.
    neighbour = mine[0].rpartition(".")[0] + ".254"
    assert own_address([neighbour]) in mine


def test_loopback_is_no_address_for_others():
    with pytest.raises(OperatorError, match="SCALER_HOST"):
        own_address(["127.0.0.1", "not-a-machine.invalid"])
